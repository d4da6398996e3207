"""Holds what watchers were told against the log, cut to their filters."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from .filters import Filter
from .log import Row
from .watcher import Stretch, Watcher

_SHOWN: Final = 5


def problems_of(watcher: Watcher, rows: list[Row], jobs: dict[str, int]) -> list[str]:
    """Tells what a watcher was told that is not so, and what it was not told."""
    problems = list(watcher.problems)
    if not watcher.is_done:
        problems.append("it was never told that all has been told")
    for stretch in watcher.stretches:
        judge = _of_state if stretch.has_state else _of_changes
        problems += judge(stretch, watcher.wanted, rows, jobs)
        known = max([*stretch.told, 0 if stretch.has_state else stretch.start])
        if stretch.lost is not None and stretch.lost <= known:
            problems.append(f"it was told that changes are lost, but only those up to {stretch.lost} were")
    return problems


def _of_changes(stretch: Stretch, wanted: Filter, rows: list[Row], jobs: dict[str, int]) -> Iterator[str]:
    """Judges what begins at a position: all of it, resets of jobs included, in order, up to the last change."""
    told = list(stretch.told)
    end = len(rows) if stretch.is_last else max(told, default=0)
    while told and told[-1] < 0 and not stretch.is_last:
        told.pop()
    expected = []
    running: set[str] = set()
    for row in rows[stretch.start : end]:
        if row.kind == "JOB_ENDED":
            running.discard(row.job_id)
        elif row.kind == "JOB_WROTE":
            if row.job_id not in running:
                running.add(row.job_id)
                job_id = "" if wanted.is_limited else row.job_id
                expected.append(-1 - jobs.get(job_id, -2))
        elif wanted.told(row) is not None:
            expected.append(row.position)
    yield from _differences(told, expected, wanted, rows)


def _of_state(stretch: Stretch, wanted: Filter, rows: list[Row], jobs: dict[str, int]) -> Iterator[str]:
    """Judges what comes with a state and behind it.

    What comes with it is wanted and in order. Behind it nothing is missing from the first change on.
    """
    split = len(stretch.told) if stretch.end_of_state is None else stretch.end_of_state
    told = [number for number in stretch.told if number >= 0]
    if any(one >= other for one, other in pairwise(told)):
        yield "it was told changes in another order, or twice, while or after the state came"
    behind = [number for number in stretch.told[split:] if number >= 0]
    if stretch.end_of_state is None:
        return
    first = min([stretch.start + 1, *behind[:1]])
    end = len(rows) if stretch.is_last else max(behind, default=0)
    expected = [row.position for row in rows[first - 1 : end] if not row.job_id and wanted.told(row) is not None]
    yield from _differences(behind, expected, wanted, rows)
    resets = {number for number in stretch.told if number < 0}
    for job_id in {row.job_id for row in rows[stretch.start : end] if row.kind == "JOB_WROTE"}:
        if -1 - jobs.get("" if wanted.is_limited else job_id, -2) not in resets:
            yield f"it was not told of job {job_id}"


def _differences(told: list[int], expected: list[int], wanted: Filter, rows: list[Row]) -> Iterator[str]:
    deleted = {row.key: row.position for row in rows if (wanted.seen_as(row) or "").endswith("DELETED")}
    all_deleted = max((row.position for row in rows if row.is_of_delete_job), default=0)
    found = set(told)

    def is_judged(number: int) -> bool:
        return number < 0 or not wanted.may_leave_out(rows[number - 1])

    def is_needed(number: int) -> bool:
        """Tells whether it has to be told: not if an update has brought in what was gone by then."""
        if number < 0 or number in found or not wanted.is_entering(rows[number - 1]):
            return True
        return max(deleted.get(rows[number - 1].key, 0), all_deleted) < number

    needed = [number for number in expected if is_judged(number) and is_needed(number)]
    kept = [number for number in told if is_judged(number)]
    if kept == needed:
        return
    missing, more = set(needed) - set(kept), set(kept) - set(needed)
    if missing:
        yield f"it was not told {len(missing)} of {len(needed)}: {_some(missing, rows)}"
    if more:
        yield f"it was told {len(more)} that are not for it: {_some(more, rows)}"
    if not missing and not more:
        yield "it was told changes in another order, or twice"


def _some(numbers: set[int], rows: list[Row]) -> str:
    return ", ".join(_words(number, rows) for number in sorted(numbers)[:_SHOWN])


def _words(number: int, rows: list[Row]) -> str:
    if number < 0:
        return f"job {-1 - number}"
    return f"{number} ({rows[number - 1].kind} {'/'.join(rows[number - 1].key)})"
