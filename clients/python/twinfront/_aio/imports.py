"""Imports that are under way: their reports, read one by one or all at once."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Self

from twinfront._graphs import ImportReport
from twinfront._imports import Outcome, warn_of_no_reader


class AsyncImportReports(AsyncIterator[ImportReport]):
    """The reports of an import: `async for report in client.import_graph(items)`.

    Or all at once, with `await client.import_graph(items).run()`. Nothing is sent before the first report is
    asked for. One that is dropped without that warns, as a coroutine does that nobody awaits.
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
        """Runs the import to its end.

        Returns:
            One report: the last progress, and the results of the items that failed, the first 100 of them.

        Raises:
            TwinfrontError: The import cannot go on. An item that failed is in the report.
        """
        outcome = Outcome()
        async for report in self:
            outcome.add(report)
        return outcome.report()

    async def aclose(self) -> None:
        """Ends the import; what was sent may have been written."""
        self._is_begun = True
        await self._reports.aclose()

    def __del__(self) -> None:
        if not self._is_begun:
            warn_of_no_reader()
