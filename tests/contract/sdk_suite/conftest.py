"""What the official tests came to: one line, and with -v a line for each of them."""

from collections import Counter

import pytest

OUTCOMES = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = {}


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> dict[str, str]:
    """The outcome of each official test by its name, added up over their files."""
    return request.config.stash[OUTCOMES]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    outcomes = config.stash[OUTCOMES]
    if outcomes:
        if terminalreporter.verbosity > 0:
            for test, outcome in outcomes.items():
                terminalreporter.write_line(f"{outcome} {test}")
        counted = Counter(outcomes.values())
        figures = ", ".join(f"{counted[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
        terminalreporter.write_line(f"official Python SDK suite: {figures} of {counted.total()} tests")
