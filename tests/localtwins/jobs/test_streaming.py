"""An import does not hold its input in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from .importing import lines, room

PROGRAM = """
import re, sys
from pathlib import Path
from localtwins.cli import main
status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
sys.exit(status)
"""
TWINS = 50_000


def _peak(tmp_path: Path, twins: int) -> int:
    """Peak memory in KiB of a process that imports so many twins."""
    file = tmp_path / f"{twins}.ndjson"
    rows = (room(f"room{number}", label=f"{number:0>600}") for number in range(twins))
    file.write_bytes(b"\n".join(lines(twins=rows)))
    command = [sys.executable, "-c", PROGRAM, "import", str(file), "--data-dir", str(tmp_path / f"data{twins}")]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_input(tmp_path: Path):
    small, large = _peak(tmp_path, 100), _peak(tmp_path, TWINS)
    size = (tmp_path / f"{TWINS}.ndjson").stat().st_size // 1024
    # Reading in pieces and SQLite's caches take some.
    assert large - small < size // 2
