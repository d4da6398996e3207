"""Adds up an import that is under way, and warns about one that nobody reads."""

import warnings
from typing import Final

from twinfront._graphs import ImportProgress, ImportReport, ImportResult

KEPT_FAILURES: Final = 100
"""How many failures `run` keeps; an import may have millions."""


class Outcome:
    """Adds up reports."""

    def __init__(self) -> None:
        self._failures: list[ImportResult] = []
        self._progress = ImportProgress(0, 0, 0, 0, 0)

    def add(self, report: ImportReport) -> None:
        """Takes one report."""
        failures = (result for result in report.results if result.error is not None)
        self._failures += failures
        del self._failures[KEPT_FAILURES:]
        self._progress = report.progress

    def report(self) -> ImportReport:
        """Gives all of them as one."""
        return ImportReport(self._failures, self._progress)


def warn_of_no_reader() -> None:
    """Warns of an import that is dropped before its first report was asked for."""
    message = "an import whose reports nobody reads does nothing: iterate over it, or call its run()"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
