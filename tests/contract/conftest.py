"""The recordings as test parameters, and a line that tells how many of them pass."""

import pytest

from . import recordings

_TEST = "recordings.py::test_answers_as_recorded["
_JOBS = "import-jobs/"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording_name" in metafunc.fixturenames:
        of_jobs = metafunc.module.__name__.endswith("test_import_job_recordings")
        names = [name for name in recordings.names() if name.startswith(_JOBS) == of_jobs]
        metafunc.parametrize("recording_name", names or ["none"])


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
