"""Breaks the server in many small ways, one at a time, and counts how many of them the tests notice.

A mutant is killed when a test that runs the broken line fails. Those that survive are printed: each is a test that is
missing, or changes nothing that anybody could see; these are listed, with the reason, in `equivalent.txt`.

Ready-made mutators run one command for all mutants, in which this suite would take ten minutes each time, or fork a
process that has run tests, which gRPC does not survive. So the tests are chosen here, by the lines that they run. They
run in a process that has them prepared, and what survives there is tried with all imports anew.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from .covering import Covering, collect, files_of_tests
from .equivalents import Equivalents
from .mutating import mutants_of
from .progress import Place, Progress
from .tree import BUILD, CHECKOUT, copy_checkout, environment
from .trying import IMPATIENT, PATIENT, Verdict, failing_unbroken, try_mutant
from .worker import SURVIVED, TIMED_OUT, Ending, Task

_WANTED_SHARE: Final = 0.96
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


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="how many mutants, at random; 0 for all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="which sample; one that broke off goes on")
    parser.add_argument("--changed", metavar="COMMIT", help="only sources that differ from this commit")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only faults in functions, and tests of a few seconds together, so that some survive that need not",
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--anew", action="store_true", help="run all tests with coverage again")
    parser.add_argument("sources", nargs="*", default=["server"], help="only these files and folders; else all")
    return parser.parse_args()


def _sources(arguments: argparse.Namespace) -> list[str]:
    if arguments.changed:
        command = ["git", "diff", "--name-only", "--diff-filter=d", arguments.changed, "--", "server/*.py"]
        changed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
        return changed.stdout.split()
    places = [CHECKOUT / source for source in arguments.sources]
    files = {file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])}
    return sorted(str(file.relative_to(CHECKOUT)) for file in files)


def _sample(arguments: argparse.Namespace) -> list[Place]:
    places = []
    for source in _sources(arguments):
        text = (CHECKOUT / source).read_text()
        places += [Place(source, text, mutant) for mutant in mutants_of(text)]
    chosen = random.Random(arguments.seed)
    print(f"{len(places)} mutants, seed {arguments.seed}", flush=True)
    if arguments.sample and arguments.sample < len(places):
        places = chosen.sample(places, arguments.sample)
    return places


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


class _Trials:
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
        chosen = _chosen(tests, self._covering, seconds) or _some_of_all(self._covering)
        verdict = Verdict(SURVIVED, [], [])
        with self._worker() as one:
            for process in one.processes[_needs_import(place, self._covering) :]:
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


def _needs_import(place: Place, covering: Covering) -> bool:
    """Tells whether nothing would show a fault in modules that are imported already."""
    return place.is_at_import or not covering.is_run(place.source, place.mutant.line)


def main() -> int:
    """Tries a sample of mutants; gives the exit code, 0 if enough of them are killed."""
    arguments = _parsed()
    collect(arguments.jobs, anew=arguments.anew)
    covering = Covering()
    places = _sample(arguments)
    if arguments.quick:
        places = [place for place in places if not _needs_import(place, covering)]
    progress = Progress.of(places, arguments.seed)
    trials = _Trials(covering, arguments.jobs, quick=arguments.quick)
    # Tests can fail for a fault only: some of them, spread over all, pass without one.
    if failing := trials.failing_unbroken(_some_of_all(covering)):
        raise RuntimeError(f"these tests fail without any fault: {failing}")

    def tried(place: Place) -> None:
        verdict = trials.verdict_on(place)
        progress.note(place, verdict)
        if verdict.outcome == SURVIVED:
            print(f"survived: {place}", flush=True)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(tried, progress.left()))
    killers = {test for verdict in progress.verdicts.values() for test in verdict.killers}
    showing_nothing = trials.failing_unbroken(sorted(killers))
    trials.close()
    return _told(progress.verdicts, set(showing_nothing))


def _told(verdicts: dict[Place, Verdict], showing_nothing: set[str]) -> int:
    """Prints the figures; gives the exit code."""
    equivalents = Equivalents.read()
    survivors = [place for place, verdict in verdicts.items() if verdict.outcome == SURVIVED]
    same = [place for place in survivors if equivalents.has(place.source, place.line, place.mutant)]
    # A kill by tests that fail anyway is none.
    void = [place for place, verdict in verdicts.items() if verdict.killers and showing_nothing >= {*verdict.killers}]
    slow = [place for place, verdict in verdicts.items() if verdict.outcome == TIMED_OUT and place not in void]
    counted = len(verdicts) - len(same)
    killed = counted - (len(survivors) - len(same)) - len(void)
    print(f"{killed} of {counted} killed ({killed / max(counted, 1):.1%}); {len(same)} beside them change nothing")
    print(f"{len(slow)} of those killed show in that a test does not end")
    for place in [*(place for place in survivors if place not in same), *void]:
        print(f"survived: {place}")
    if showing_nothing:
        print("these tests fail without a fault too, and kill nothing:", *sorted(showing_nothing), sep="\n    ")
    return 0 if killed >= _WANTED_SHARE * counted else 1


def _some_of_all(covering: Covering) -> dict[str, float]:
    """Gives some quick tests, spread over all files."""
    tests = sorted(test for test, seconds in covering.seconds.items() if seconds < _QUICK_SECONDS)
    return {test: covering.seconds[test] for test in tests[:: max(1, len(tests) // _SOME)]}


if __name__ == "__main__":
    sys.exit(main())
