"""Counts the instructions of the main calls, and compares them with a baseline: `make bench-check`.

What is counted does not depend on how fast or how busy the machine is. It does depend on how Python was built; so
counts are told in ten-thousandths of a reference, plain Python that is counted in the same run, and each version of
Python has a baseline of its own. More than the tolerance above it fails; `--renew` makes what was counted the baseline.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[3]))

from report import Table

from instructions.callgrind import counts
from instructions.counted import OPERATIONS

TOLERANCE: Final = 0.08
"""Twice what builds of one version of Python differ in."""
BASELINE: Final = Path(__file__).with_name("baseline.json")
_SCALE: Final = 10_000


def main() -> int:
    """Counts, prints what was counted, and tells by its status whether that is within the tolerance."""
    parser = argparse.ArgumentParser(prog="bench-check", description="Compare counts of instructions with a baseline.")
    parser.add_argument("--renew", action="store_true", help="take what is counted as the baseline")
    options = parser.parse_args()
    if not shutil.which("valgrind") or platform.machine() != "x86_64":
        print("valgrind is not installed, or this is no x86-64")
        return 2
    counted = _count()
    baselines = json.loads(BASELINE.read_text())
    version = ".".join(platform.python_version_tuple()[:2])
    if options.renew:
        baselines[version] = counted
        BASELINE.write_text(json.dumps(baselines, indent=2) + "\n")
    baseline = baselines.get(version, {})
    Table(
        f"Instructions of a call, in ten-thousandths of the reference (Python {version})",
        ["call", "counted", "baseline", "ratio"],
        [
            [name, f"{count:,}", f"{baseline[name]:,}", f"{count / baseline[name]:.3f}"]
            if name in baseline
            else [name, f"{count:,}", "none", ""]
            for name, count in counted.items()
        ],
    ).print()
    if above := grown(counted, baseline):
        print(f"\nMore than {TOLERANCE:.0%} above the baseline: {', '.join(above)}. Find out why, or renew it.")
    return 1 if above else 0


def grown(counted: Mapping[str, int], baseline: Mapping[str, int]) -> list[str]:
    """Gives the calls that are above the baseline by more than the tolerance."""
    return [name for name, count in counted.items() if count > baseline.get(name, count) * (1 + TOLERANCE)]


def _count() -> dict[str, int]:
    with TemporaryDirectory() as folder:
        valgrind = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--fair-sched=yes"]
        written = f"--callgrind-out-file={folder}/out"
        program = [sys.executable, str(Path(__file__).with_name("counted.py"))]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        command = [*valgrind, written, *program]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"the calls failed:\n{ended.stderr[-8000:]}")
        found = counts(Path(folder))
    reference = found["reference"]
    return {name: round(found[name] / times / reference * _SCALE) for name, times in OPERATIONS.items()}


if __name__ == "__main__":
    sys.exit(main())
