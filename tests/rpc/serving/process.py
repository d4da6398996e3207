"""`twinfront serve` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import engine
from tests.ports import reserved_port

COMMAND = (sys.executable, "-m", "twinfront_server.cli")

_START_SECONDS = 30.0


def environment(**variables: str) -> dict[str, str]:
    """The environment without settings of this shell, with the engine of this run, and with the given variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWINFRONT_")}
    return kept | engine.variables() | variables


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [*COMMAND, *words], env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
    )


@dataclass
class ServedProcess:
    """A server that has greeted."""

    process: subprocess.Popen[bytes]
    address: str
    metrics_url: str
    stdout: Path
    stderr: Path

    @property
    def port(self) -> str:
        return self.address.rpartition(":")[2]

    def log(self) -> str:
        return self.stderr.read_text()

    def metrics(self) -> str:
        with urllib.request.urlopen(self.metrics_url, timeout=20) as answer:
            return str(answer.read().decode())

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def exit_code(self) -> int:
        return self.process.wait(timeout=30)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def start(
    folder: Path, words: Sequence[str], variables: dict[str, str], command: Sequence[str] = COMMAND
) -> ServedProcess:
    """Starts a server with nothing kept, unless the words say otherwise; output goes to the folder.

    Its port is its own for as long as the tests run: another server can be started in its place.
    """
    defaults = (
        f"--listen=127.0.0.1:{reserved_port()}",
        "--metrics-listen=127.0.0.1:0",
        "--data-dir=:memory:",
        "--log-format=json",
    )
    stdout, stderr = folder / "stdout", folder / "stderr"
    with stdout.open("wb") as out, stderr.open("wb") as err:
        process = subprocess.Popen(
            [*command, "serve", *defaults, *words], env=environment(**variables), stdout=out, stderr=err
        )
    wait_until(lambda: process.poll() is not None or stdout.read_text().endswith("\n\n"), _START_SECONDS)
    greeting = stdout.read_text()
    assert process.poll() is None, f"the server did not start:\n{stderr.read_text()}"
    address = re.search(r"is serving on (\S+)", greeting)
    metrics = re.search(r"curl (http://\S+/metrics)", greeting)
    assert address
    return ServedProcess(process, address[1], metrics[1] if metrics else "", stdout, stderr)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for a condition that will come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.02)
