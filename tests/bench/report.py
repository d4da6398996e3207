"""The findings of benchmarks: tables for readers, figures by name for targets, and bars for a chart."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over all rounds: its median, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Self:
        """Gives that of some figures."""
        known = list(figures)
        low, _, high = quantiles(known, method="inclusive") if len(known) > 1 else known * 3
        return cls(median(known), low, high)

    def text(self, digits: int | None = None) -> str:
        """Gives the median, and the quartiles in brackets."""
        return f"{short(self.median, digits)} ({short(self.low, digits)} to {short(self.high, digits)})"


def short(figure: float, digits: int | None = None) -> str:
    """Writes a figure with three digits that count, or with so many after the point."""
    if digits is None:
        digits = max(0, 2 - math.floor(math.log10(abs(figure)))) if figure else 0
    return f"{figure:,.{digits}f}"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows whose first column is text and whose other columns are numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def print(self) -> None:
        """Prints it."""
        widths = [max(len(row[column]) for row in [self.head, *self.rows]) for column in range(len(self.head))]
        print(f"\n{self.title}")
        for row in [self.head, ["-" * width for width in widths], *self.rows]:
            first, *others = zip(row, widths, strict=True)
            print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]), flush=True)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in groups: for each group a figure of each series.

    Attributes:
        one_scale: whether bars of different groups can be compared.
    """

    title: str
    unit: str
    series: Sequence[str]
    groups: Mapping[str, Sequence[Spread | None]]
    one_scale: bool = False


@dataclass(slots=True)
class Report:
    """Holds what one benchmark found."""

    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    figures: dict[str, Spread] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Adds a table, and prints it."""
        self.tables.append(Table(title, head, rows))
        self.tables[-1].print()

    def note(self, text: str) -> None:
        """Adds a sentence, and prints it."""
        self.notes.append(text)
        print(f"\n{text}", flush=True)

    def as_json(self) -> dict[str, Any]:
        """Gives all of it."""
        return asdict(self)
