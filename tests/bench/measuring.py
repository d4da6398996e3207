"""Samples of cases that run in turn, and the tables made of them."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median, quantiles


class Samples:
    """One figure per case and round."""

    def __init__(self) -> None:
        self._figures: dict[str, list[float]] = defaultdict(list)

    def add(self, case: str, figure: float) -> None:
        """Adds the figure of a case in the current round."""
        self._figures[case].append(figure)

    def median(self, case: str) -> float:
        """The median of a case over all rounds."""
        return median(self._figures[case])

    def ratio(self, case: str, base: str) -> float:
        """The median of the ratios of two cases within a round."""
        return median(figure / floor for figure, floor in zip(self._figures[case], self._figures[base], strict=True))

    def differences(self, case: str, base: str) -> tuple[float, float, float]:
        """The quartiles of the differences of two cases within a round."""
        pairs = zip(self._figures[case], self._figures[base], strict=True)
        low, middle, high = quantiles(figure - floor for figure, floor in pairs)
        return low, middle, high


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table whose first column is text and whose other columns are numbers."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    print(f"\n{title}")
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells))
