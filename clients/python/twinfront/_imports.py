"""Imports that are under way: their reports, read one by one or all at once."""

import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Final, Self

from twinfront._graphs import ImportProgress, ImportReport, ImportResult

KEPT_FAILURES: Final = 100
"""How many failures `run` keeps; an import may have millions."""


class ImportReports(Iterator[ImportReport]):
    """The reports of an import: `for report in client.import_graph(items)`, or `client.import_graph(items).run()`.

    Nothing is sent before the first report is asked for. One that is dropped without that warns, as a coroutine does
    that nobody awaits.
    """

    def __init__(self, reports: Generator[ImportReport]) -> None:
        self._reports = reports
        self._is_begun = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ImportReport:
        self._is_begun = True
        return next(self._reports)

    def run(self) -> ImportReport:
        """Runs the import to its end.

        Returns:
            One report: the last progress, and the results of the items that failed, the first 100 of them.

        Raises:
            TwinfrontError: The import cannot go on. An item that failed is in the report.
        """
        outcome = _Outcome()
        for report in self:
            outcome.add(report)
        return outcome.report()

    def close(self) -> None:
        """Ends the import; what was sent may have been written."""
        self._is_begun = True
        self._reports.close()

    def __del__(self) -> None:
        if not self._is_begun:
            _warn()


class AsyncImportReports(AsyncIterator[ImportReport]):
    """The reports of an import: `async for report in client.import_graph(items)`, or `await … .run()`.

    Nothing is sent before the first report is asked for. One that is dropped without that warns, as a coroutine does
    that nobody awaits.
    """

    def __init__(self, reports: AsyncGenerator[ImportReport]) -> None:
        self._reports = reports
        self._is_begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ImportReport:
        self._is_begun = True
        return await anext(self._reports)

    async def run(self) -> ImportReport:
        """Runs the import to its end."""
        outcome = _Outcome()
        async for report in self:
            outcome.add(report)
        return outcome.report()

    async def aclose(self) -> None:
        """Ends the import; what was sent may have been written."""
        self._is_begun = True
        await self._reports.aclose()

    def __del__(self) -> None:
        if not self._is_begun:
            _warn()


class _Outcome:
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


def _warn() -> None:
    message = "an import whose reports nobody reads does nothing: iterate over it, or call its run()"
    warnings.warn(message, RuntimeWarning, stacklevel=3)
