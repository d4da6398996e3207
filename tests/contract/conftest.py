"""The recordings as test parameters, and a line that tells how many of them pass."""

import pytest

from . import recordings

_TEST = "test_recordings.py::test_answers_as_recorded["


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording_name" in metafunc.fixturenames:
        metafunc.parametrize("recording_name", recordings.names() or ["none"])


@pytest.fixture(scope="session")
def definitions(shared: object) -> recordings.Definitions:
    """Taken from all recordings, for those that assume something to be there."""
    assert shared
    return recordings.Definitions.collect()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed, failed = (
        sum(_TEST in getattr(report, "nodeid", "") for report in terminalreporter.stats.get(outcome, []))
        for outcome in ("passed", "failed")
    )
    if passed + failed:
        terminalreporter.write_line(f"recordings: files passed {passed} of {passed + failed}")
