"""A server for the pages' blocks to talk to."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rpc.serving import process

GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3"


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.ServedProcess]:
    """`twinfront serve` with the sample building and metrics."""
    served = process.start(tmp_path_factory.mktemp("served"), ["--sample"], {})
    yield served
    served.process.kill()
    served.process.wait()


@pytest.fixture
def places(served: process.ServedProcess) -> dict[str, str]:
    """Where the pages say the server is, and where it is."""
    return {
        "localhost:50051": served.address,
        "http://localhost:9464/metrics": served.metrics_url,
    }


@pytest.fixture
def grpcurl(pytestconfig: pytest.Config) -> Path:
    """grpcurl from the PATH, or built with Go and kept for the next time."""
    if found := shutil.which("grpcurl"):
        return Path(found)
    go = shutil.which("go")
    if go is None:
        pytest.skip("neither grpcurl nor Go is installed")
    folder = pytestconfig.cache.mkdir("grpcurl")
    if not (folder / "grpcurl").exists():
        built = subprocess.run(
            ["env", f"GOBIN={folder}", go, "install", GRPCURL], capture_output=True, text=True, timeout=500, check=False
        )
        if built.returncode != 0:
            pytest.skip(f"grpcurl is not installed, and Go cannot build it: {built.stderr.strip().splitlines()[-1]}")
    return folder / "grpcurl"
