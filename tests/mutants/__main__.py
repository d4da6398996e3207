"""Breaks the server in many small ways, one at a time, and counts how many of them the tests notice.

A mutant is killed when a test that runs the broken line fails. Those that survive are printed: each is a test that is
missing, or changes nothing that anybody could see; these are listed, with the reason, in `equivalent.txt`.

Ready-made mutators run one command for all mutants, in which this suite would take ten minutes each time, or fork a
process that has run tests, which gRPC does not survive. So the tests are chosen here, by the lines that they run. They
run in a process that has them prepared, and what survives there is tried with all imports anew.
"""

import argparse
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from .covering import Covering, collect
from .equivalents import Equivalents
from .mutating import mutants_of
from .progress import Place, Progress
from .tree import CHECKOUT
from .trials import Trials, needs_import, some_of_all
from .trying import Verdict
from .worker import SURVIVED, TIMED_OUT

_WANTED_SHARE: Final = 0.96


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


def main() -> int:
    """Tries a sample of mutants; gives the exit code, 0 if enough of them are killed."""
    arguments = _parsed()
    collect(arguments.jobs, anew=arguments.anew)
    covering = Covering()
    places = _sample(arguments)
    if arguments.quick:
        places = [place for place in places if not needs_import(place, covering)]
    progress = Progress.of(places, arguments.seed)
    trials = Trials(covering, arguments.jobs, quick=arguments.quick)
    # Tests can fail for a fault only: some of them, spread over all, pass without one.
    if failing := trials.failing_unbroken(some_of_all(covering)):
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


if __name__ == "__main__":
    sys.exit(main())
