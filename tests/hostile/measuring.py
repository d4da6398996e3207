"""What a process takes of the machine, seen from outside."""

import time
from dataclasses import dataclass
from pathlib import Path

_WHOLE_PROCESS = 2


@dataclass(frozen=True)
class Usage:
    """Processor time in seconds, and how much the memory grew at the most, in megabytes."""

    cpu: float
    memory: float


class Meter:
    """Measures a process from its making to `read`."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._pid = pid
        (self._proc / "clear_refs").write_text("5")  # the peak begins anew
        self._memory = self._megabytes("VmRSS")
        self._began = processor_seconds(pid)

    def read(self) -> Usage:
        cpu = processor_seconds(self._pid) - self._began
        return Usage(cpu, max(0.0, self._megabytes("VmHWM") - self._memory))

    def _megabytes(self, name: str) -> float:
        lines = (self._proc / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def processor_seconds(pid: int) -> float:
    """Gives the processor time that another process has used, by its own clock (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | _WHOLE_PROCESS)


def resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)
