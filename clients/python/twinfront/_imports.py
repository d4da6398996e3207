"""Knows how far an import is that is under way, adds it up, and warns about one that nobody reads."""

import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Final

from twinfront._graphs import ImportProgress, ImportReport, ImportResult, read_results
from twinfront.v1 import graph_service_pb2 as rpcs

KEPT_FAILURES: Final = 100
"""How many failures `run` keeps; an import may have millions."""

NOTHING: Final = ImportProgress(0, 0, 0, 0, 0)
"""The progress of an import that has not begun."""


class Course:
    """Follows an import through all its streams: where the next one begins, and what all have done together.

    Args:
        options: how the first stream begins.
    """

    def __init__(self, options: rpcs.ImportOptions) -> None:
        self._options = options
        self._before = NOTHING
        self._reached = NOTHING

    def begin(self) -> rpcs.ImportGraphRequest:
        """Makes the first message of the next stream."""
        self._before = self._reached
        return rpcs.ImportGraphRequest(options=self._options)

    def gets_on(self, response: rpcs.ImportGraphResponse) -> bool:
        """Notes what came; tells whether more is acknowledged now than ever before."""
        self._reached = _sum(self._before, response.progress)
        acknowledged = response.progress.acknowledged_count
        if acknowledged <= self._options.resume_from:
            return False
        self._options.resume_from = acknowledged
        return True

    def report(self, response: rpcs.ImportGraphResponse) -> ImportReport:
        """Reads what came last, with the progress of all streams."""
        return ImportReport(read_results(response), self._reached)


def _sum(before: ImportProgress, progress: rpcs.ImportProgress) -> ImportProgress:
    """Adds the progress of a stream; what is acknowledged is counted from the first item anyway."""
    return ImportProgress(
        progress.acknowledged_count,
        before.models_imported + progress.models_imported,
        before.digital_twins_imported + progress.digital_twins_imported,
        before.relationships_imported + progress.relationships_imported,
        before.failed + progress.failed,
    )


def can_be_read_again(items: object) -> bool:
    """Tells whether items, or pieces of a text, can be gone through from the beginning more than once.

    A list can, and whatever makes an iterator anew each time; a generator or an open file goes on where it is.
    """
    return not isinstance(items, Iterator | AsyncIterator)


class Outcome:
    """Adds up reports."""

    def __init__(self) -> None:
        self._failures: list[ImportResult] = []
        self._progress = NOTHING

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
