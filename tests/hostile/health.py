"""Asks a server for its health over and over, from a process of its own: `python health.py ADDRESS`."""

import subprocess
import sys
import time
from pathlib import Path

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 30.0


class HealthWatch:
    """The process that asks, and how long it waited for answers."""

    def __init__(self, address: str, answers: Path) -> None:
        self._answers = answers
        with answers.open("wb") as file:
            self._process = subprocess.Popen([sys.executable, __file__, address], stdout=file)

    def waits(self) -> list[float]:
        """How long each answer took so far, in seconds."""
        return [float(line) for line in self._answers.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


def ask(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = HealthStub(channel)
        while True:
            began = time.monotonic()
            stub.Check(HealthCheckRequest(), timeout=PATIENCE_SECONDS)
            sys.stdout.write(f"{time.monotonic() - began}\n")
            sys.stdout.flush()
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    ask(sys.argv[1])
