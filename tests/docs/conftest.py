"""A server for the pages' blocks to talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rpc.serving import process
from tests.tools import GRPCURL


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.ServedProcess]:
    """`twinfront serve` with the sample building and metrics."""
    served = process.start(tmp_path_factory.mktemp("served"), ["--sample"], {})
    yield served
    served.end()


@pytest.fixture
def places(served: process.ServedProcess) -> dict[str, str]:
    """Where the pages say the server is, and where it is."""
    return {
        "localhost:50051": served.address,
        "http://localhost:9464/metrics": served.metrics_url,
    }


@pytest.fixture
def grpcurl() -> Path:
    """The tool; built with Go and kept for the next time."""
    return GRPCURL.path()
