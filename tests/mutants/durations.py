"""A plugin of pytest that writes down how long each test that passed took, to the file TWINFRONT_DURATIONS.

It also has the processes that tests start measured, each on behalf of the test that starts it.
"""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from .tree import COVERAGE_SETTINGS

_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()


def pytest_sessionstart(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        # Read by coverage when a process starts, and so with the name of the test in its `context`. What coverage would
        # hand on by itself (`patch = subprocess`) has the context of before the first test.
        os.environ["COVERAGE_PROCESS_START"] = str(COVERAGE_SETTINGS)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # a worker of xdist reports to the one that started it
        passed = {test: round(seconds, 4) for test, seconds in _seconds.items() if test not in _failed}
        Path(os.environ["TWINFRONT_DURATIONS"]).write_text(json.dumps(passed))
