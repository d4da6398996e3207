"""Decides whether tests kill a mutant, on a machine that may be busy.

A test that fails shows nothing yet: it may fail now and then, or have waited for a processor. So the test that killed a
mutant, or did not come to its end, runs again, alone in a new process; what passes then is left aside, and those behind
it run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .worker import KILLED, SURVIVED, TIMED_OUT, Ending, Task

Run = Callable[[Task], Ending]

_FIRST_FILES: Final = 6
"""How many files of tests a mutant meets at first: to read all that could concern it takes longer than to run them."""
PATIENT: Final = 15.0
IMPATIENT: Final = 2.0
"""How many seconds a test may take, besides some times as long as without a fault, or is one without end."""
_TIMES_AS_LONG: Final = 4.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Says whether a mutant was killed, and by which tests.

    Attributes:
        outcome: `killed`, `survived`, or `timed out` if all that shows it is a test that does not end.
        killers: the tests that show it; none if the tests could not even be collected.
        unsteady: tests that failed with it once, and passed the next time.
    """

    outcome: str
    killers: list[str]
    unsteady: list[str]


def task(source: str, text: str, tests: Mapping[str, float], patience: float = PATIENT) -> Task:
    """Makes the task of running tests against a mutant.

    Args:
        source: the path of what is mutated; empty for nothing.
        text: what it is with the fault.
        tests: the tests in the order in which they run, with the seconds that each took without a fault.
        patience: how many seconds more a test may take.
    """
    limits = {test: patience + _TIMES_AS_LONG * seconds for test, seconds in tests.items()}
    return Task(source, text, limits, _TIMES_AS_LONG * (patience + sum(tests.values())))


def try_mutant(run: Run, source: str, text: str, tests: Mapping[str, float], *, patience: float = PATIENT) -> Verdict:
    """Runs tests against a mutant until one shows it twice."""
    unsteady: list[str] = []
    for some in _first_and_others(list(tests)):
        left = some
        while left:
            ending = run(task(source, text, {test: tests[test] for test in left}, patience))
            if ending.outcome == SURVIVED:
                break
            suspects = ending.failed or left
            again = run(task(source, text, {test: tests[test] for test in suspects}, patience))
            if again.outcome != SURVIVED:
                return Verdict(_outcome(ending, again), again.failed, unsteady)
            unsteady += ending.failed
            left = left[left.index(suspects[-1]) + 1 :]
    return Verdict(SURVIVED, [], unsteady)


def failing_unbroken(run: Run, tests: Mapping[str, float]) -> list[str]:
    """Gives those of the tests that fail, twice, in the sources as they are: their kills show nothing."""
    failing = list(tests)
    for _ in range(2):
        if failing:
            failing = _failing(run, {test: tests[test] for test in failing})
    return failing


def _failing(run: Run, tests: Mapping[str, float]) -> list[str]:
    ending = run(task("", "", tests))
    if ending.outcome == SURVIVED:
        return []
    # Those behind one that does not end have not run, and none of those that cannot be collected.
    return ending.failed if ending.outcome == KILLED and ending.failed else list(tests)


def _outcome(first: Ending, again: Ending) -> str:
    return TIMED_OUT if TIMED_OUT in {first.outcome, again.outcome} else again.outcome


def _first_and_others(tests: list[str]) -> list[list[str]]:
    """Parts tests into those of the few files of the first ones, which kill most mutants, and all others."""
    files = set(list(dict.fromkeys(test.partition("::")[0] for test in tests))[:_FIRST_FILES])
    first = [test for test in tests if test.partition("::")[0] in files]
    others = [test for test in tests if test.partition("::")[0] not in files]
    return [first, others]
