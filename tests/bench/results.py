"""The file of results: what each benchmark found when it ran last, on which machine, and what became of the targets."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import machine
import orjson
import targets
from environment import CHECKOUT
from report import Report, Spread

FILE: Final = CHECKOUT / "build" / "bench" / "results.json"
PUBLISHED: Final = CHECKOUT / "docs" / "performance.json"


class Results:
    """All that is known.

    Attributes:
        found: what each benchmark found, by its name.
    """

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found

    @classmethod
    def read(cls, file: Path) -> Self:
        """Gives those of a file; none if it is not there."""
        return cls(orjson.loads(file.read_bytes())["benchmarks"] if file.exists() else {})

    def __or__(self, newer: "Results") -> "Results":
        """Gives these, with newer ones in the place of older ones."""
        return Results(self.found | newer.found)

    def add(self, name: str, report: Report, *, rounds: int, seconds: float, busy: float) -> None:
        """Adds what a benchmark found, in the place of what it found before.

        Args:
            name: the benchmark's.
            report: what it found.
            rounds: how many it had.
            seconds: of each case in a round.
            busy: how many wanted the processors when it began.
        """
        found = {
            "taken": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": machine.commit(),
            "machine": machine.describe(),
            "busy": busy,
            "rounds": rounds,
            "seconds": seconds,
            **report.as_json(),
        }
        self.found[name] = _rounded(found)

    def write(self, file: Path) -> None:
        """Writes them, and what became of the targets."""
        content = {"targets": self.targets(), "benchmarks": self.found}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")

    def targets(self) -> list[dict[str, str]]:
        """Gives a row for each target, with its verdict."""
        figures = {name: Spread(**figure) for found in self.found.values() for name, figure in found["figures"].items()}
        return [target.row(figures.get(target.figure)) for target in targets.TARGETS]


def _rounded(content: Any) -> Any:
    """Leaves numbers the five digits that count."""
    match content:
        case float():
            return float(f"{content:.5g}")
        case dict():
            return {name: _rounded(member) for name, member in content.items()}
        case list() | tuple():
            return [_rounded(item) for item in content]
        case _:
            return content


if __name__ == "__main__":
    # Fills docs/performance.json: with all that was measured here, beside what it has of other benchmarks.
    (Results.read(PUBLISHED) | Results.read(FILE)).write(PUBLISHED)
