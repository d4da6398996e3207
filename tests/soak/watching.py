"""Samples what a process takes of the machine while it serves."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Final, Self

_EVERY_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Sample:
    """A look at a process, at a time in seconds from the first one."""

    seconds: float
    megabytes: float
    files: int
    threads: int


class Watch:
    """Samples a process inside the block.

    Attributes:
        samples: from the oldest to the newest.
    """

    def __init__(self, pid: int) -> None:
        self.samples: list[Sample] = []
        self._process = Path("/proc", str(pid))
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _work(self) -> None:
        began = time.monotonic()
        while not self._done.wait(_EVERY_SECONDS):
            status = dict(line.split(":\t", 1) for line in (self._process / "status").read_text().splitlines())
            self.samples.append(
                Sample(
                    time.monotonic() - began,
                    int(status["VmRSS"].split()[0]) / 1024,
                    len(list((self._process / "fd").iterdir())),
                    int(status["Threads"]),
                )
            )


@dataclass(frozen=True)
class Growth:
    """How much more a process had in the last quarter of its time than in the second one, when it was warm."""

    megabytes: float
    megabytes_a_minute: float
    files: float
    threads: float


def growth(samples: list[Sample]) -> Growth:
    """Compares the second quarter of samples with the last one, which are half of the time apart."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    minutes = (mean(sample.seconds for sample in late) - mean(sample.seconds for sample in early)) / 60
    megabytes = mean(sample.megabytes for sample in late) - mean(sample.megabytes for sample in early)
    return Growth(
        megabytes,
        megabytes / minutes,
        mean(sample.files for sample in late) - mean(sample.files for sample in early),
        mean(sample.threads for sample in late) - mean(sample.threads for sample in early),
    )
