"""Servers in processes of their own: their addresses, processor time and memory.

They are the programs of the environment that the benchmark itself runs in (`environment.py` makes it of the wheel).
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final

from tests.ports import reserved_port

from twinfront_server.settings import Settings

_CLOCK_OF_SCHEDULER: Final = 2
"""Exact to the nanosecond (clock_getcpuclockid(3)), where proc(5) has ticks of 10 ms."""
_HERE: Final = Path(__file__).parent
_KEY: Final = "bench" * 10


@dataclass(frozen=True)
class ServerProcess:
    """A running server."""

    address: str
    pid: int

    def processor_seconds(self) -> float:
        """Gives user and system time of all its threads so far, by the clock that Linux keeps for each process."""
        return time.clock_gettime(~self.pid << 3 | _CLOCK_OF_SCHEDULER)

    def resident(self) -> float:
        """Gives the megabytes of its memory that are in use."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def engines() -> list[str]:
    """Gives what this version can serve gRPC with, and what of that is installed."""
    has_setting = any(setting.flag == "--engine" for setting in Settings.describe())
    return ["grpcio", *(["native"] if has_setting and find_spec("pygrpc_native") else [])]


def engine_options(engine: str) -> tuple[str, ...]:
    """Gives the options for an engine; none for that which has always been there."""
    return () if engine == "grpcio" else ("--engine", engine)


@contextmanager
def echo_server(engine: str = "grpcio") -> Iterator[ServerProcess]:
    """A server that answers what it is sent: what gRPC in Python costs at the least."""
    with serving([sys.executable, str(_HERE / "echo_server.py"), engine]) as server:
        yield server


@contextmanager
def twinfront_server(
    data_dir: str, *more: str, variables: Mapping[str, str] | None = None, log: BinaryIO | None = None
) -> Iterator[ServerProcess]:
    """`twinfront serve` on the embedded service, with more options and variables, and a file for its log, if given."""
    with serving([*_twinfront(), "--data-dir", data_dir, *more], variables, log) as server:
        yield server


@contextmanager
def twinfront_before(url: str, ca: str, *more: str) -> Iterator[ServerProcess]:
    """`twinfront serve` before a localtwins over HTTPS."""
    upstream = ["--upstream", url, "--upstream-ca", ca, "--upstream-credential", "none"]
    with serving([*_twinfront(), *upstream, "--page-token-key", _KEY, *more]) as server:
        yield server


@contextmanager
def localtwins_server(folder: Path, *more: str) -> Iterator[tuple[str, str]]:
    """`localtwins serve` over HTTPS; gives its URL and the file of its authority."""
    command = [_program("localtwins"), "serve", "--data-dir", str(folder), "--listen", "127.0.0.1:0", *more]
    with serving([*command, "--log-level", "warning"]) as server:
        yield f"https://{server.address}", str(folder / "tls" / "ca.pem")


def trusting(ca: str) -> dict[str, str]:
    """Gives the variables by which programs of Python trust an authority.

    The SDK for asyncio makes a TLS context, and so a connection, for each call if it is given a file itself.
    """
    return {"SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca}


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
def serving(
    command: list[str], variables: Mapping[str, str] | None = None, log: BinaryIO | None = None
) -> Iterator[ServerProcess]:
    """Runs a server, which prints its address."""
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
        process.send_signal(signal.SIGTERM)
        process.wait()


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _twinfront() -> list[str]:
    listening = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]
    return [_program("twinfront"), "serve", *listening, "--log-level", "warning"]
