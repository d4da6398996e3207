"""The fixtures of the original helper, as a pytest plugin."""

import os

import pytest


class EnvironmentVariables:
    """Where the suite's conftest looks up the endpoint."""

    def sanitize_batch(self, _replacements: dict[str, str]) -> None:
        """Nothing is recorded, so nothing is replaced."""

    def get(self, name: str) -> str:
        return os.environ[name]


@pytest.fixture(scope="session")
def environment_variables() -> EnvironmentVariables:
    return EnvironmentVariables()


@pytest.fixture(scope="session")
def test_proxy() -> None:
    """Nothing stands between the suite and the server."""


@pytest.fixture
def recorded_test() -> None:
    """Nothing is recorded."""
