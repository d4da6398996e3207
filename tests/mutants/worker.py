"""Runs tests against one mutant after another, each in a fork of its own that has the libraries imported already.

Reads a `Task` as a line of JSON from the standard input for each, and answers with a line, an `Ending`. A fork imports
the server and the tests anew, with the fault in them; [prepared.py](prepared.py) is for faults that need none of that.
"""

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NoReturn, TextIO

import pytest

_LIBRARIES: Final = (
    *("grpc.aio", "grpc_status.rpc_status", "grpc_health.v1.health", "grpc_reflection.v1alpha.reflection"),
    *("aiohttp.web", "azure.core.pipeline", "azure.digitaltwins.core.aio", "azure.identity.aio"),
    *("azure.storage.blob.aio", "cryptography.x509", "lark", "orjson", "prometheus_client"),
    *("pydantic", "structlog", "google.rpc.error_details_pb2"),
)
KILLED: Final = "killed"
SURVIVED: Final = "survived"
TIMED_OUT: Final = "timed out"
_TIME_IS_UP: Final = "Failed: Timeout ("
"""Begins what pytest-timeout says of a test that it ends."""
_MOST_MEMORY: Final = 4 << 30
_BROKEN: Final = 70
"""The exit code where pytest itself broke off, before the tests or behind them."""


@dataclass(frozen=True, slots=True)
class Task:
    """A mutant to be tried.

    Attributes:
        source: the path of what is mutated; empty for nothing.
        text: what it is with the fault.
        tests: the names of the tests in the order in which they run, with the seconds that each may take.
        seconds: how long they may take together.
    """

    source: str
    text: str
    tests: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Ending:
    """Says how the tests of a mutant ended.

    Attributes:
        outcome: `killed`, `survived` or `timed out`.
        failed: the tests that failed, or the one that ran when time was up; none if there were no tests yet to run.
    """

    outcome: str
    failed: list[str]


class Selected:
    """A plugin that runs certain tests in a certain order, and writes down how they end."""

    def __init__(self, limits: dict[str, float], notes: Path) -> None:
        self._limits = limits
        self._order = {test: number for number, test in enumerate(limits)}
        self._notes = notes
        self._ended = Ending(SURVIVED, [])

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._order), key=lambda item: self._order[item.nodeid]
        )
        for item in items:
            item.add_marker(pytest.mark.timeout(self._limits[item.nodeid]), append=False)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        # What stands here is the answer if this test never ends.
        self._note(Ending(TIMED_OUT, [*self._ended.failed, nodeid]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.nodeid not in self._ended.failed:
            timed_out = _TIME_IS_UP in report.longreprtext and self._ended.outcome != KILLED
            self._ended = Ending(TIMED_OUT if timed_out else KILLED, [*self._ended.failed, report.nodeid])

    def pytest_runtest_logfinish(self) -> None:
        self._note(self._ended)

    def _note(self, ending: Ending) -> None:
        self._notes.write_text(json.dumps(asdict(ending)))


def run(task: Task, log: Path, run_tests: Callable[[Task, Path], int]) -> Ending:
    """Tries a mutant in the working directory, which is a copy of the checkout.

    Args:
        task: the mutant and its tests.
        log: what the tests print.
        run_tests: what runs the tests, in a process of its own, and writes their endings to a file; gives pytest's
            exit code.
    """
    source = Path(task.source)
    original = source.read_text() if task.source else ""
    if task.source:
        source.write_text(task.text)
    notes = log.with_suffix(".json")
    notes.unlink(missing_ok=True)
    try:
        child = os.fork()
        if child == 0:
            _in_child(lambda: run_tests(task, notes), log)
        code = _wait(child, task.seconds)
    finally:
        if task.source:
            source.write_text(original)
    if code == _BROKEN and not task.source and not notes.exists():
        raise RuntimeError(f"pytest itself failed, see {log}")
    noted = Ending(**json.loads(notes.read_text())) if notes.exists() else Ending(KILLED, [])
    if code is None:
        return Ending(TIMED_OUT, noted.failed)
    if code == _BROKEN and noted.outcome == SURVIVED:
        return noted  # what comes up behind the last test is no test's
    if code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return Ending(SURVIVED, [])
    return Ending(noted.outcome if code == pytest.ExitCode.TESTS_FAILED and noted.failed else KILLED, noted.failed)


def _in_child(run_tests: Callable[[], int], log: Path) -> NoReturn:
    """Runs the tests in a process that is the head of its own group, and ends it."""
    os.setsid()
    # A fault may have a loop gather things without an end.
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    with log.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    code = _BROKEN
    try:
        code = run_tests()
    except BaseException:  # noqa: BLE001  (the process ends here whatever happens, and must not go on as its parent)
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


def _collected_and_run(task: Task, notes: Path) -> int:
    files = list(dict.fromkeys(test.partition("::")[0] for test in task.tests))
    stop_at_once = ["-x"] if task.source else []
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *stop_at_once, *files]
    return pytest.main(arguments, plugins=[Selected(task.tests, notes)])


def _wait(child: int, seconds: float) -> int | None:
    """Waits for a child and what it started; gives its exit code, None if it takes too long."""
    end = time.monotonic() + seconds
    code: int | None = None
    while code is None and time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
        else:
            time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if code is None:
        os.waitpid(child, 0)
    return code


def answer(questions: Iterable[str], answers: TextIO, run: Callable[[Task], Ending]) -> None:
    """Answers tasks until there are no more."""
    for line in questions:
        print(json.dumps(asdict(run(Task(**json.loads(line))))), file=answers, flush=True)


def main() -> None:
    """Answers the tasks of the standard input."""
    answers = os.fdopen(os.dup(1), "w")
    for library in _LIBRARIES:
        importlib.import_module(library)
    answer(sys.stdin, answers, lambda task: run(task, Path(sys.argv[1]), _collected_and_run))


if __name__ == "__main__":
    main()
