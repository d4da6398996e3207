"""Runs the tests of mutants in processes that are kept for it."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from .covering import Covering, files_of_tests
from .progress import Place
from .tree import BUILD, copy_checkout, environment
from .trying import IMPATIENT, PATIENT, Verdict, failing_unbroken, try_mutant
from .worker import SURVIVED, Ending, Task

_SOME: Final = 50
_QUICK_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 120.0
_MOST_QUICK_SECONDS: Final = 4.0
"""How long the tests of one mutant take together when they pass; what does not fit is left out."""


class _Process:
    """A process that tries mutants in a copy of the checkout."""

    def __init__(self, name: str, folder: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.mutants.{name}", f"{folder}-{name}.log", *arguments],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, task: Task) -> Ending:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(task)), file=self._process.stdin, flush=True)
        return Ending(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class _Worker:
    """A copy of the checkout, with what tries mutants in it: one after another, since they share the sources.

    What is prepared comes first, and what imports all anew, unless that takes too long, second.
    """

    def __init__(self, number: int, *, quick: bool) -> None:
        folder = BUILD / f"tree-{number}"
        copy_checkout(folder)
        tests = [file for file in files_of_tests() if (folder / file).exists()]
        self.processes = [_Process("prepared", folder, *tests)]
        if not quick:
            self.processes.append(_Process("worker", folder))

    def close(self) -> None:
        for process in self.processes:
            process.close()


class Trials:
    """Tries mutants, several at a time.

    Args:
        covering: knows the tests of each.
        jobs: how many are tried at a time.
        quick: whether to try only what is prepared, and that with few tests.
    """

    def __init__(self, covering: Covering, jobs: int, *, quick: bool) -> None:
        self._covering = covering
        self._quick = quick
        self._workers: SimpleQueue[_Worker] = SimpleQueue()
        for number in range(jobs):
            self._workers.put(_Worker(number, quick=quick))

    def verdict_on(self, place: Place) -> Verdict:
        """Tries a mutant."""
        # What runs at import alone is a fault for all tests, or for none.
        tests = self._covering.tests_of(place.source, place.mutant.line)
        seconds, patience = (_MOST_QUICK_SECONDS, IMPATIENT) if self._quick else (_MOST_SECONDS, PATIENT)
        chosen = _chosen(tests, self._covering, seconds) or some_of_all(self._covering)
        verdict = Verdict(SURVIVED, [], [])
        with self._worker() as one:
            for process in one.processes[needs_import(place, self._covering) :]:
                if verdict.outcome == SURVIVED:
                    verdict = try_mutant(process.run, place.source, place.broken, chosen, patience=patience)
        return verdict

    def failing_unbroken(self, tests: Iterable[str]) -> list[str]:
        """Gives those of the tests that fail without a fault, in whatever process they run."""
        seconds = {test: self._covering.seconds.get(test, 1.0) for test in tests}
        with self._worker() as one:
            return [test for process in one.processes for test in failing_unbroken(process.run, seconds)]

    def close(self) -> None:
        """Ends all processes."""
        while not self._workers.empty():
            self._workers.get().close()

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        one = self._workers.get()
        try:
            yield one
        finally:
            self._workers.put(one)


def needs_import(place: Place, covering: Covering) -> bool:
    """Tells whether nothing would show a fault in modules that are imported already."""
    return place.is_at_import or not covering.is_run(place.source, place.mutant.line)


def _chosen(tests: set[str], covering: Covering, most_seconds: float) -> dict[str, float]:
    """Gives the tests of a mutant, with what each takes, in their order.

    One example of each comes first, then all others; among both those are first that are fast and run little.
    """
    firsts: dict[str, str] = {}
    ordered = sorted(tests, key=lambda test: (covering.breadth(test), test))
    for test in ordered:
        firsts.setdefault(test.partition("[")[0], test)
    others = [test for test in ordered if firsts[test.partition("[")[0]] != test]
    chosen: dict[str, float] = {}
    left = 0.0
    for some in (firsts.values(), others):
        left += most_seconds / 2
        for test in some:
            if covering.seconds[test] <= left:
                left -= covering.seconds[test]
                chosen[test] = covering.seconds[test]
    return chosen


def some_of_all(covering: Covering) -> dict[str, float]:
    """Gives some quick tests, spread over all files."""
    tests = sorted(test for test, seconds in covering.seconds.items() if seconds < _QUICK_SECONDS)
    return {test: covering.seconds[test] for test in tests[:: max(1, len(tests) // _SOME)]}
