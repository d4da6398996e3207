"""The processes that call, and what servers do meanwhile."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import quantiles

import orjson
from load.job import Done, Job
from processes import ServerProcess


@dataclass(frozen=True)
class Measured:
    """Tells what came of calls.

    Attributes:
        calls: how many there were.
        rate: calls a second.
        units: rows or items a second.
        p50: milliseconds; of a call, as `p99`.
        processor: microseconds of the server's processor time a call.
        caller_processor: the same of the callers.
    """

    calls: int
    rate: float
    units: float
    p50: float
    p99: float
    processor: float
    caller_processor: float


class Generator:
    """Processes that share the callers of a job among them."""

    def __init__(self, processes: "list[subprocess.Popen[bytes]]") -> None:
        self._processes = processes

    def measure(self, job: Job, server: ServerProcess | None = None) -> Measured:
        """Does a job to its end."""
        share = replace(job, callers=job.callers // len(self._processes))
        before = server.processor_seconds() if server else 0.0
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(orjson.dumps(asdict(share)) + b"\n")
            process.stdin.flush()
        parts = [self._answer(process) for process in self._processes]
        spent = server.processor_seconds() - before if server else 0.0
        latencies = [latency / 1000 for done in parts for latency in done.latencies]
        cuts = quantiles(latencies, n=100) if len(latencies) > 1 else latencies * 99
        return Measured(
            len(latencies),
            sum(len(done.latencies) / done.seconds for done in parts),
            sum(done.units / done.seconds for done in parts),
            cuts[49],
            cuts[98],
            spent / len(latencies) * 1e6,
            sum(done.processor for done in parts) / len(latencies) * 1e6,
        )

    def _answer(self, process: "subprocess.Popen[bytes]") -> Done:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit("calls failed, see above")
        return Done(**orjson.loads(line))


@contextmanager
def generator(processes: int = 1, variables: Mapping[str, str] | None = None) -> Iterator[Generator]:
    """Starts processes that call, with more variables if some are given."""
    environment = {**os.environ, **(variables or {})}
    command = [sys.executable, str(Path(__file__).parent / "load")]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        for _ in range(processes)
    ]
    try:
        yield Generator(started)
    finally:
        for process in started:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()
