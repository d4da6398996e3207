"""Runs tests against one mutant after another, each in a fork of a process that has all tests collected already.

It answers as [worker.py](worker.py) does, in a fraction of the time. The fault is put into the functions that there
are, which is sound because the process itself runs no test: nothing but tests starts what a fork does not survive
(gRPC's threads). What a module makes when it is imported stays as it was, so that nothing shows a fault there.
"""

import os
import sys
from pathlib import Path
from typing import TextIO

import pytest

from .replacing import Functions, replaced
from .worker import Ending, Selected, Task, answer, run


class _Answering:
    """A plugin that answers tasks in the place of running all tests."""

    def __init__(self, questions: TextIO, answers: TextIO, log: Path) -> None:
        self._questions = questions
        self._answers = answers
        self._log = log

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        functions = Functions.found()
        items = {item.nodeid: item for item in session.items}

        def tried(task: Task) -> Ending:
            file = Path(task.source)
            codes = replaced(file.read_text(), task.text) if task.source else {}

            def run_tests(task: Task, notes: Path) -> int:
                functions.replace(file.absolute(), codes)
                session.config.pluginmanager.unregister(self)
                session.items = [items[test] for test in task.tests if test in items]
                return _run(session, task, notes)

            return run(task, self._log, run_tests)

        answer(self._questions, self._answers, tried)
        return True


def _run(session: pytest.Session, task: Task, notes: Path) -> int:
    selected = Selected(task.tests, notes)
    session.config.pluginmanager.register(selected)
    selected.pytest_collection_modifyitems(session.items)
    session.config.option.maxfail = 1 if task.source else 0
    try:
        session.config.hook.pytest_runtestloop(session=session)
    except session.Failed:
        return pytest.ExitCode.TESTS_FAILED
    return pytest.ExitCode.TESTS_FAILED if session.testsfailed else pytest.ExitCode.OK


def main() -> None:
    """Answers the tasks of the standard input with the tests of some files."""
    log, *files = sys.argv[1:]
    streams = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    with Path(log).with_suffix(".pytest").open("w") as said:
        os.dup2(said.fileno(), 1)
    plugin = _Answering(*streams, Path(log))
    # To tell how a test failed would take longer than to run it.
    sys.exit(pytest.main(["-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", *files], plugins=[plugin]))


if __name__ == "__main__":
    main()
