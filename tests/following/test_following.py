"""Watchers miss nothing, and are told nothing twice and nothing that is not so, whatever happens to the fronts."""

from dataclasses import replace

import pytest

from .following import Plan, follow

SHORT = Plan(writes=700, watchers=100, every=1.0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(SHORT, id="with the whole log"),
        pytest.param(replace(SHORT, seed=2, max_changes=100, delete_jobs=1), id="with a log that is trimmed"),
    ],
)
def test_watchers_of_three_fronts_that_are_killed_drained_and_cut_off_miss_nothing(plan: Plan):
    report = follow(plan)
    assert report.problems == []
    assert report.changes >= plan.writes
    assert len(report.happened) == 3
    assert bool(report.gaps) is (plan.max_changes < plan.writes)
