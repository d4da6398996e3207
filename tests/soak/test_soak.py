"""A short soak passes; and what a soak is for is found."""

from dataclasses import replace

import pytest

from .load import Seen
from .report import Report
from .soaking import soak
from .watching import Growth, Sample, growth

FINE = Report(
    seconds=60.0,
    seen=Seen(calls=1, errors={"UNKNOWN OUTCOME_UNKNOWN": 3, "UNAVAILABLE UPSTREAM_UNAVAILABLE": 2}),
    clients={},
    client_errors={},
    happened={},
    growth=Growth(3.0, 9.0, 2.0, 1.0),
    in_flight=0.0,
    lost=[],
)


@pytest.mark.timeout(300)
def test_a_short_soak_loses_nothing():
    report = soak(15.0, seed=1, python_only=True)
    assert report.problems == []
    assert report.seen.calls > 100
    assert sum(report.happened.values()) >= 2


def test_what_faults_bring_about_is_no_problem():
    assert FINE.problems == []


@pytest.mark.parametrize(
    ("report", "problem"),
    [
        (replace(FINE, lost=["a is at 1"]), "a is at 1"),
        (replace(FINE, seen=Seen(problems=["read old"])), "read old"),
        (replace(FINE, seen=Seen(errors={"INTERNAL INTERNAL": 2})), "2 calls ended in INTERNAL INTERNAL"),
        (replace(FINE, client_errors={"UNKNOWN (none)": 1}), "1 calls ended in UNKNOWN (none)"),
        (replace(FINE, growth=Growth(20.0, 2.5, 0, 0)), "memory grows by 2.5 MB a minute"),
        (replace(FINE, growth=Growth(0, 0, 31, 0)), "31 more files are open"),
        (replace(FINE, growth=Growth(0, 0, 0, 9)), "9 more threads run"),
        (replace(FINE, in_flight=1), "1 calls are in flight that nobody waits for"),
    ],
)
def test_what_must_not_be_fails_a_soak(report: Report, problem: str):
    assert report.problems == [problem]
    assert problem in report.table()


def test_growth_is_what_comes_after_the_first_quarter():
    early = [Sample(float(second), 500.0 - second, 90, 20) for second in range(25)]
    late = [Sample(float(second), 100.0 + second, 30 + second, 10) for second in range(25, 100)]
    assert growth(early + late) == Growth(50.0, 60.0, 50.0, 0.0)


def test_drift_is_told_by_thirds_of_the_time():
    reads = [(float(second), 0.001 * (1 + second // 20)) for second in range(60)]
    assert replace(FINE, seen=Seen(reads=reads)).p99 == pytest.approx([1.0, 2.0, 3.0])
