"""Fuzzes all targets, each for a while, and tells what was tried and found: `make fuzz`.

An input that something is wrong with stays in `tests/fuzz/corpus`, and is read by the tests from then on. What merely
reached new code is kept in `build/fuzz`, where the next run begins.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .target import CORPUS, MOST_BYTES, Target
from .targets import TARGETS

BUILD: Final = Path(__file__).parents[2] / "build" / "fuzz"
MOST_SECONDS_OF_INPUT: Final = 5
"""Of the clock, with code that is watched: some ten times what it takes otherwise."""

MOST_MEGABYTES: Final = 2048
_EXECUTED: Final = re.compile(r"stat::number_of_executed_units:\s+(\d+)")


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; by default all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments = parser.parse_args(words)
    if find_spec("atheris") is None:
        print("atheris is not installed, or not to be had for this Python: pip install -e '.[fuzz]'", file=sys.stderr)
        return 2
    found = 0
    print(f"{'target':20} {'inputs':>9} {'findings':>8}")
    for name in arguments.targets or TARGETS:
        tried, findings, output = fuzz(TARGETS[name], arguments.seconds)
        found += len(findings)
        print(f"{name:20} {tried:9} {len(findings):8}", flush=True)
        for finding in findings:
            print(f"  {finding}")
        if findings:
            print(output)
    return 1 if found else 0


def fuzz(target: Target, seconds: int) -> tuple[int, list[Path], str]:
    """Fuzzes a target; gives how many inputs were tried, those that something is wrong with, and what was said last."""
    reached, kept = BUILD / target.name, CORPUS / target.name
    for folder in (reached, kept):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (reached / sha256(seed).hexdigest()[:40]).write_bytes(seed)
    before = set(target.kept())
    command = [sys.executable, "-m", "tests.fuzz.fuzzer", target.read.__module__, target.name]
    limits = [f"-max_total_time={seconds}", f"-timeout={MOST_SECONDS_OF_INPUT}", f"-rss_limit_mb={MOST_MEGABYTES}"]
    options = [f"-max_len={MOST_BYTES}", "-print_final_stats=1", f"-artifact_prefix={kept}/"]
    ended = subprocess.run(
        [*command, *limits, *options, str(reached), str(kept)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    findings = sorted(set(target.kept()) - before)
    if not any(kept.iterdir()):
        kept.rmdir()
    executed = _EXECUTED.search(ended.stdout)
    if ended.returncode and not findings:
        raise RuntimeError(f"the fuzzer of {target.name} did not run:\n{ended.stdout[-4000:]}")
    return int(executed[1]) if executed else 0, findings, ended.stdout[-4000:]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
