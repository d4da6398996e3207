"""Servers in processes of their own, and the processor time that they take."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tests.ports import reserved_port

_CLOCK_OF_SCHEDULER = 2
"""Exact to the nanosecond (clock_getcpuclockid(3)), where proc(5) has ticks of 10 ms."""


@dataclass(frozen=True)
class ServerProcess:
    """A running server."""

    address: str
    pid: int

    def processor_seconds(self) -> float:
        """Gives user and system time of all its threads so far, by the clock that Linux keeps for each process."""
        return time.clock_gettime(~self.pid << 3 | _CLOCK_OF_SCHEDULER)


@contextmanager
def echo_server() -> Iterator[ServerProcess]:
    """A grpc.aio server on uvloop that answers what it is sent: what gRPC in Python costs at the least."""
    with _server([sys.executable, str(Path(__file__).with_name("echo_server.py"))]) as server:
        yield server


@contextmanager
def twinfront_server(
    data_dir: str, *more: str, variables: Mapping[str, str] | None = None, log: BinaryIO | None = None
) -> Iterator[ServerProcess]:
    """`twinfront serve` on the embedded service, with more options and variables, and a file for its log, if given."""
    command = [str(Path(sys.executable).with_name("twinfront")), "serve", "--data-dir", data_dir]
    options = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log-level", "warning"]
    with _server([*command, *options, *more], variables, log) as server:
        yield server


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Redis that keeps nothing; gives its URL."""
    port = reserved_port()
    words = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _server(
    command: list[str], variables: Mapping[str, str] | None = None, log: BinaryIO | None = None
) -> Iterator[ServerProcess]:
    environment = {**os.environ, **(variables or {})}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    try:
        address = ""
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"(127\.0\.0\.1|\[::\]):\d+", line)
            if found:
                address = found[0]
                break
        if not address:
            message = f"{command[0]} did not start"
            raise SystemExit(message)
        yield ServerProcess(address, process.pid)
    finally:
        process.terminate()
        process.wait()
