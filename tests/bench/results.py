"""The file of results: what each benchmark found when it ran last, on which machine, and what became of the targets."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import machine
import orjson
import targets
from environment import CHECKOUT
from report import Report, Spread

FILE: Final = CHECKOUT / "build" / "bench" / "results.json"


class Results:
    """All that is known, kept in a file from run to run."""

    def __init__(self, file: Path = FILE) -> None:
        self._file = file
        self._found: dict[str, Any] = orjson.loads(file.read_bytes())["benchmarks"] if file.exists() else {}

    def add(self, name: str, report: Report, *, rounds: int, seconds: float, busy: float) -> None:
        """Adds what a benchmark found, in the place of what it found before, and writes the file.

        Args:
            name: the benchmark's.
            report: what it found.
            rounds: how many it had.
            seconds: of each case in a round.
            busy: how many others wanted the processors when it began.
        """
        self._found[name] = {
            "taken": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": machine.commit(),
            "machine": machine.describe(),
            "busy": busy,
            "rounds": rounds,
            "seconds": seconds,
            **report.as_json(),
        }
        content = {"targets": self.targets(), "benchmarks": self._found}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")

    def targets(self) -> list[dict[str, str]]:
        """Gives a row for each target that is measured, with its verdict."""
        figures = {
            name: Spread(**figure) for found in self._found.values() for name, figure in found["figures"].items()
        }
        return [target.row(figures[target.figure]) for target in targets.TARGETS if target.figure in figures]

    def print_targets(self) -> None:
        """Prints them."""
        report = Report()
        rows = self.targets()
        if rows:
            report.table("Targets", list(rows[0]), [list(row.values()) for row in rows])
