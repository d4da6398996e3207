"""Ratios, verdicts and results that the benchmark makes of its figures, and the verdict of its guard on counts."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import pytest
from tests.caches import needs

GO_FRONT = Path(__file__).resolve().parents[1] / "bench" / "go_front"

Bench: TypeAlias = Callable[[str], ModuleType]


def test_a_ratio_is_of_two_cases_in_the_same_round(bench: Bench):
    samples = bench("measuring").Samples()
    for slow, fast in [(10, 1), (200, 100), (6000, 1000)]:
        samples.add("slow", slow)
        samples.add("fast", fast)
    assert samples.ratio("slow", "fast") == 6


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


def test_no_two_targets_are_of_one_figure(bench: Bench):
    figures = [target.figure for target in bench("targets").TARGETS]
    assert len(figures) == len(set(figures))


def test_results_of_some_benchmarks_leave_those_of_others(bench: Bench, tmp_path: Path):
    results = bench("results").Results
    report = bench("report").Report
    older, newer = results({}), results({})
    for known, name, note in [(older, "service", "old"), (older, "start", "old"), (newer, "start", "new")]:
        known.add(name, report(notes=[note]), rounds=1, seconds=1.0, busy=0.0)
    (older | newer).write(tmp_path / "results.json")
    kept = results.read(tmp_path / "results.json")
    assert {name: found["notes"] for name, found in kept.found.items()} == {"service": ["old"], "start": ["new"]}


def test_the_front_in_go_builds_with_the_stubs_of_the_client():
    needs("go")
    built = subprocess.run(["go", "vet", "./..."], cwd=GO_FRONT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")


@pytest.mark.parametrize(("counted", "above"), [(900, []), (1000, []), (1080, []), (1081, ["get"])])
def test_a_call_that_takes_8_percent_more_than_its_baseline_is_named(bench: Bench, counted: int, above: list[str]):
    assert bench("instructions.__main__").grown({"get": counted}, {"get": 1000}) == above


def test_a_call_without_a_baseline_is_not_compared(bench: Bench):
    assert bench("instructions.__main__").grown({"get": 1000}, {}) == []


def test_counts_are_read_from_the_files_that_callgrind_writes_on_request(bench: Bench, tmp_path: Path):
    (tmp_path / "out").write_text("desc: Trigger: Program termination\nsummary: 7\ntotals: 7\n")
    (tmp_path / "out.1").write_text("desc: Trigger: Client Request: get, JSON\nsummary: 0\ntotals: 1200\n")
    assert bench("instructions.callgrind").counts(tmp_path) == {"get, JSON": 1200}


def test_outside_valgrind_what_is_to_be_counted_just_runs(bench: Bench):
    ran = []
    with bench("instructions.callgrind").Callgrind().counting("get"):
        ran.append("get")
    assert ran == ["get"]
