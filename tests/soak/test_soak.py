"""A short soak passes; and what a soak is for is found."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.interop.languages import PYTHON
from tests.interop.load_process import MODEL
from tests.rpc.serving import process

from twinfront import DigitalTwin, TwinfrontClient

from .clients import lost, reason_in
from .load import Seen
from .report import Report
from .soaking import soak
from .watching import Growth, Sample, growth

FINE = Report(
    seconds=60.0,
    seen=Seen(calls=1, errors={"OUTCOME_UNKNOWN": 3, "UPSTREAM_UNAVAILABLE": 2}),
    clients={"go": Seen(calls=1, errors={"UNAVAILABLE": 1})},
    cache={"added": 1},
    happened={},
    growth=Growth(3.0, 9.0, 2.0, 1.0),
    in_flight=0.0,
)


@pytest.mark.timeout(300)
def test_a_short_soak_loses_nothing():
    report = soak(15.0, seed=1, languages=[PYTHON])
    assert report.problems == []
    assert report.seen.calls > 100
    assert report.clients["python"].calls > 100
    assert report.cache["changed"] > 50
    assert sum(report.happened.values()) >= 2


def test_what_faults_bring_about_is_no_problem():
    assert FINE.problems == []


@pytest.mark.parametrize(
    ("report", "problem"),
    [
        (replace(FINE, seen=Seen(1, problems=["a is at 1"])), "a is at 1"),
        (replace(FINE, clients={"go": Seen(1, problems=["b is at 1"])}), "b is at 1"),
        (
            replace(FINE, clients={"go": Seen(1, {"INTERNAL": 2}, {"INTERNAL": "a text"})}),
            "2 calls of go ended in INTERNAL, such as a text",
        ),
        (replace(FINE, clients={"go": Seen()}), "no call of go succeeded"),
        (replace(FINE, growth=Growth(20.0, 2.5, 0, 0)), "memory grows by 2.5 MB a minute"),
        (replace(FINE, growth=Growth(0, 0, 31, 0)), "31 more files are open"),
        (replace(FINE, growth=Growth(0, 0, 0, 9)), "9 more threads run"),
        (replace(FINE, in_flight=1), "1 calls are in flight that nobody waits for"),
    ],
)
def test_what_must_not_be_fails_a_soak(report: Report, problem: str):
    assert report.problems == [problem]
    assert problem in report.table()


def test_totals_that_are_neither_as_acknowledged_nor_one_ahead_are_told(tmp_path: Path):
    served = process.start(tmp_path, [], {})
    try:
        with TwinfrontClient(served.address) as client:
            client.create_models([MODEL])
            for name in ("as-told", "ahead", "behind", "twice"):
                client.create_or_replace_digital_twin(
                    name, DigitalTwin(model_id="dtmi:rolling:Counter;1", properties={"total": 5})
                )
            problems = lost(client, {"as-told": 5, "ahead": 4, "behind": 6, "twice": 3})
    finally:
        served.end()
    assert problems == ["behind is at 5 in the end, and 6 was written", "twice is at 5 in the end, and 3 was written"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("UNAVAILABLE: [UPSTREAM_UNAVAILABLE] It cannot be reached. (call id 1)", "UPSTREAM_UNAVAILABLE"),
        ("[DeadlineExceeded] context deadline exceeded", "DEADLINE_EXCEEDED"),
        ("[UNAVAILABLE] io exception [1]", "UNAVAILABLE"),
        ("connection refused", "connection refused"),
    ],
)
def test_failures_of_all_languages_are_counted_by_reason_or_code(text: str, reason: str):
    assert reason_in(text) == reason


def test_growth_is_what_comes_after_the_first_quarter():
    early = [Sample(float(second), 500.0 - second, 90, 20) for second in range(25)]
    late = [Sample(float(second), 100.0 + second, 30 + second, 10) for second in range(25, 100)]
    assert growth(early + late) == Growth(50.0, 60.0, 50.0, 0.0)


def test_drift_is_told_by_thirds_of_the_time():
    reads = [(float(second), 0.001 * (1 + second // 20)) for second in range(60)]
    assert replace(FINE, seen=Seen(reads=reads)).p99 == pytest.approx([1.0, 2.0, 3.0])
