"""The page of performance has what was measured, and says of each target whether it is reached."""

import importlib
import json
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TypeAlias

import pytest

from docs.generate.bars import Bar, draw

from .blocks import CHECKOUT

BENCH = CHECKOUT / "tests" / "bench"
Bench: TypeAlias = Callable[[str], ModuleType]
RESULTS = json.loads((CHECKOUT / "docs" / "performance.json").read_text())


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Imports a module of the benchmark, whose modules stand alone beside each other; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(BENCH)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    return importlib.import_module


def test_the_page_has_every_target_of_the_code(bench: Bench):
    sentences = {target.text for target in bench("targets").TARGETS}
    assert {row["target"] for row in RESULTS["targets"]} == sentences


def test_goals_of_the_page_are_those_of_the_code(bench: Bench):
    results = bench("results")
    assert results.Results.read(results.PUBLISHED).targets() == RESULTS["targets"]


def test_no_two_targets_are_of_one_figure(bench: Bench):
    figures = [target.figure for target in bench("targets").TARGETS]
    assert len(figures) == len(set(figures))


@pytest.mark.parametrize(
    ("at", "measured", "verdict"),
    [("most", 2.0, "ok"), ("most", 2.1, "short"), ("least", 2.0, "ok"), ("least", 1.9, "short")],
)
def test_a_target_is_reached_at_its_goal_and_short_beyond_it(bench: Bench, at: str, measured: float, verdict: str):
    target = bench("targets").Target("some ratio", "figure", at, 2.0)
    row = target.row(bench("report").Spread(measured, 0.0, 9.0))
    assert row["verdict"] == verdict


def test_a_target_that_was_not_measured_has_no_verdict(bench: Bench):
    row = bench("targets").Target("some ratio", "figure", "most", 2.0).row(None)
    assert (row["measured"], row["verdict"]) == ("not measured", "")


def test_results_of_some_benchmarks_leave_those_of_others(bench: Bench):
    results = bench("results").Results
    found: dict[str, object] = {"figures": {}, "tables": []}
    merged = results({"service": found, "start": found | {"taken": "then"}}) | results(
        {"start": found | {"taken": "now"}}
    )
    assert (set(merged._found), merged._found["start"]["taken"]) == ({"service", "start"}, "now")


def test_a_ratio_is_of_two_cases_in_the_same_round(bench: Bench):
    samples = bench("measuring").Samples()
    for slow, fast in [(10, 1), (200, 100), (6000, 1000)]:
        samples.add("slow", slow)
        samples.add("fast", fast)
    assert samples.ratio("slow", "fast") == 6


def test_the_longest_bar_of_a_group_keeps_within_the_chart():
    drawn = draw(
        "Times", "ms", {"get": [Bar("one <way>", 1.0, 0.5, 2.0)], "page": [Bar("another", 5000.0, 1.0, 9000.0)]}
    )
    assert "one &lt;way&gt;" in drawn
    assert "5,000 ms" in drawn
    assert max(int(x) for x in re.findall(r'<text x="(\d+)"', drawn)) < 760
