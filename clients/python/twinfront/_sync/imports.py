# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Imports that are under way: their reports, read one by one or all at once."""

from collections.abc import Generator, Iterator
from typing import Self

from twinfront._graphs import ImportReport
from twinfront._imports import Outcome, warn_of_no_reader


class ImportReports(Iterator[ImportReport]):
    """The reports of an import: `for report in client.import_graph(items)`.

    Or all at once, with `client.import_graph(items).run()`. Nothing is sent before the first report is
    asked for. One that is dropped without that warns, as a coroutine does that nobody awaits.
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
        outcome = Outcome()
        for report in self:
            outcome.add(report)
        return outcome.report()

    def close(self) -> None:
        """Ends the import; what was sent may have been written."""
        self._is_begun = True
        self._reports.close()

    def __del__(self) -> None:
        if not self._is_begun:
            warn_of_no_reader()
