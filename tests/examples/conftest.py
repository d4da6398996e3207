"""A server as a process, for programs that run as processes too."""

from collections.abc import Iterator

import pytest
from tests.rpc.serving import process


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.ServedProcess]:
    """`twinfront serve` on an empty instance."""
    served = process.start(tmp_path_factory.mktemp("served"), [], {})
    yield served
    served.end()


@pytest.fixture
def address(served: process.ServedProcess) -> str:
    return served.address
