"""Names the tests that failed at first and passed when they ran again, alone.

The second run says so with TWINFRONT_SECOND_CHANCE=1 and runs with `--last-failed`; see `.ci/run`.
"""

import os
from collections.abc import Set as AbstractSet

import pytest

_VARIABLE = "TWINFRONT_SECOND_CHANCE"
_failed_at_first = pytest.StashKey[AbstractSet[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    failed: AbstractSet[str] = frozenset()
    if _VARIABLE in os.environ and session.config.cache is not None:
        failed = frozenset(session.config.cache.get("cache/lastfailed", {}))
    session.config.stash[_failed_at_first] = failed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = {report.nodeid for report in terminalreporter.getreports("passed")}
    failed_at_first = terminalreporter.config.stash[_failed_at_first]
    names = sorted(passed & failed_at_first)
    if names:
        terminalreporter.section(f"{len(names)} passed at the second chance only", yellow=True)
        for name in names:
            terminalreporter.line(name)
