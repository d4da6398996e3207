"""The commands as people run them, beside a server on the sample building."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from unittest import mock

import pytest
from tests.rpc.serving import process

from twinfront_server.cli import main

BIN = Path(sys.executable).parent

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on the sample building, for all tests of a file."""
    served = process.start(tmp_path_factory.mktemp("served"), ["--sample"], {})
    yield served.address
    served.end()


@pytest.fixture
def environment(address: str, tmp_path: Path) -> dict[str, str]:
    """That of a shell in which `twinfront` is on the PATH and finds the server."""
    path = os.pathsep.join((str(BIN), os.environ["PATH"]))
    return process.environment(TWINFRONT_ADDRESS=address, PATH=path, HOME=str(tmp_path))


@pytest.fixture
def twinfront(environment: dict[str, str], tmp_path: Path) -> Command:
    """Runs a command in an empty folder: the program, but not in a process of its own, whose start takes half a second.

    Its variables, folder and streams are those that a process would have. What is about processes (signals, pipes, the
    shell) starts them.
    """

    def run(*words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        with (
            _stream() as given,
            _stream() as stdout,
            _stream(errors="backslashreplace") as stderr,
            mock.patch.dict(os.environ, environment | variables, clear=True),
            mock.patch.multiple(sys, stdin=given, stdout=stdout, stderr=stderr),
            contextlib.chdir(tmp_path),
        ):
            given.write(stdin)
            given.seek(0)
            code = _exit_code(words)
            return subprocess.CompletedProcess(words, code, _written(stdout), _written(stderr))

    return run


def _stream(errors: str = "strict") -> IO[str]:
    """A stream that has a file descriptor, as those of a process do."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors=errors)


def _exit_code(words: tuple[str, ...]) -> int:
    try:
        return main(words)
    except SystemExit as ended:
        return int(ended.code or 0)


def _written(stream: IO[str]) -> str:
    stream.seek(0)
    return stream.read()
