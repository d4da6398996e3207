"""The commands as people run them: processes of their own, beside a server on the sample building."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.rpc.serving import process

BIN = Path(sys.executable).parent

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on the sample building, for all tests of a file."""
    served = process.start(tmp_path_factory.mktemp("served"), ["--sample"], {})
    yield served.address
    served.process.kill()
    served.process.wait()


@pytest.fixture
def environment(address: str, tmp_path: Path) -> dict[str, str]:
    """That of a shell in which `twinfront` is on the PATH and finds the server."""
    path = os.pathsep.join((str(BIN), os.environ["PATH"]))
    return process.environment(TWINFRONT_ADDRESS=address, PATH=path, HOME=str(tmp_path))


@pytest.fixture
def twinfront(environment: dict[str, str], tmp_path: Path) -> Command:
    """Runs a command in an empty folder."""

    def run(*words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "twinfront"), *words],
            cwd=tmp_path,
            env=environment | variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
