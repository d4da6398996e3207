"""Samples of cases that run in turn."""

from collections import defaultdict
from statistics import median, quantiles

from report import Spread


class Samples:
    """One figure per case and round."""

    def __init__(self) -> None:
        self._figures: dict[str, list[float]] = defaultdict(list)

    def __contains__(self, case: str) -> bool:
        return case in self._figures

    def add(self, case: str, figure: float) -> None:
        """Adds the figure of a case in the current round."""
        self._figures[case].append(figure)

    def median(self, case: str) -> float:
        """The median of a case over all rounds."""
        return median(self._figures[case])

    def spread(self, case: str) -> Spread:
        """The median of a case over all rounds, and its quartiles."""
        return Spread.of(self._figures[case])

    def ratios(self, case: str, base: str) -> Spread:
        """The ratios of two cases within a round."""
        pairs = zip(self._figures[case], self._figures[base], strict=True)
        return Spread.of(figure / floor for figure, floor in pairs)

    def ratio(self, case: str, base: str) -> float:
        """The median of the ratios of two cases within a round."""
        return self.ratios(case, base).median

    def differences(self, case: str, base: str) -> tuple[float, float, float]:
        """The quartiles of the differences of two cases within a round."""
        pairs = zip(self._figures[case], self._figures[base], strict=True)
        low, middle, high = quantiles(figure - floor for figure, floor in pairs)
        return low, middle, high
