"""A plugin of pytest that writes down how long each test that passed took, to the file TWINFRONT_DURATIONS."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):  # a worker of xdist reports to the one that started it
        passed = {test: round(seconds, 4) for test, seconds in _seconds.items() if test not in _failed}
        Path(os.environ["TWINFRONT_DURATIONS"]).write_text(json.dumps(passed))
