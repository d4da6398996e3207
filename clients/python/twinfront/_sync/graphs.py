# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Whole graphs."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing

from twinfront import _graphs, _imports
from twinfront._calls import CallMetadata
from twinfront._for_threads import each
from twinfront._graphs import GraphItem, ImportReport
from twinfront._imports import Course
from twinfront._sync.connection import Connection
from twinfront._sync.imports import ImportReports
from twinfront.v1.graph_service_pb2 import ImportGraphRequest, ImportOptions


class GraphMethods(Connection):
    """The methods that call the GraphService."""

    def import_graph(
        self,
        items: Iterable[GraphItem],
        *,
        resume_from: int = 0,
        failures_only: bool = False,
        validate_only: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> ImportReports:
        """Writes models, digital twins and relationships as they come. This is not atomic.

        Where the stream breaks it goes on by itself after the items that were acknowledged, if the items can be gone
        through again, as a list can, and a generator cannot. What was written and not acknowledged is written once
        more, and reported and counted once more.

        Args:
            items: Twins and relationships with their ids, as values or mappings, and models as mappings or JSON texts,
                in an order in which each finds what it needs before it.
            resume_from: Items with a smaller index are read past and not written: what `progress.acknowledged_count`
                said of an import that ended early. Everything is to be sent again.
            failures_only: Report no results of items that succeeded.
            validate_only: Only say what each item would end in, and write nothing.
            timeout: Seconds for the whole import; as long as it takes by default.
            metadata: Further request metadata.

        Returns:
            An iterator of reports, each with the items that ended since the last one, and the progress. It has to be
            read to the end, by `for` or at once by its `run()`; closing it ends the import.

        Raises:
            TwinfrontError: While iterating: the import cannot go on. An item that failed is in the reports.
        """
        options = ImportOptions(resume_from=resume_from, failures_only=failures_only, validate_only=validate_only)
        again = _imports.can_be_read_again(items)
        return ImportReports(self._import(options, lambda: _item_messages(items), timeout, metadata, again=again))

    def import_graph_text(
        self,
        chunks: Iterable[bytes],
        *,
        resume_from: int = 0,
        failures_only: bool = False,
        validate_only: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> ImportReports:
        """Writes a graph in the import format of Azure Digital Twins (NDJSON). This is not atomic.

        Where the stream breaks it goes on by itself after the items that were acknowledged, if the pieces can be gone
        through again, as a list can, and an open file cannot. What was written and not acknowledged is written once
        more, and reported and counted once more.

        Args:
            chunks: The text in pieces, cut anywhere: an open binary file, for instance.
            resume_from: Items with a smaller index are read past and not written: what `progress.acknowledged_count`
                said of an import that ended early. Everything is to be sent again.
            failures_only: Report no results of items that succeeded.
            validate_only: Only say what each item would end in, and write nothing.
            timeout: Seconds for the whole import; as long as it takes by default.
            metadata: Further request metadata.

        Returns:
            An iterator of reports, each with the items that ended since the last one, and the progress. It has to be
            read to the end, by `for` or at once by its `run()`; closing it ends the import.

        Raises:
            TwinfrontError: While iterating: the import cannot go on. An item that failed is in the reports.
        """
        options = ImportOptions(resume_from=resume_from, failures_only=failures_only, validate_only=validate_only)
        again = _imports.can_be_read_again(chunks)
        return ImportReports(self._import(options, lambda: _chunk_messages(chunks), timeout, metadata, again=again))

    def export_graph_text(
        self,
        query: str | None = None,
        *,
        exclude_models: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Iterator[bytes]:
        """Reads a graph in the import format of Azure Digital Twins (NDJSON), going on by itself where it broke.

        Args:
            query: Only the twins that it answers, and the relationships between them; everything by default.
            exclude_models: Leave out the models.
            timeout: Seconds for the whole export; as long as it takes by default.
            metadata: Further request metadata.

        Returns:
            An iterator of pieces of whole lines. Closing it ends the stream.

        Raises:
            QueryInvalidError: While iterating: the query is not understood.
        """
        stream = self._stream(
            self._graph_service.ExportGraph,
            lambda token: _graphs.export_graph_text(query, exclude_models=exclude_models, resume_token=token),
            timeout,
            metadata,
        )
        with closing(stream):
            for chunks in stream:
                yield from chunks

    def _import(
        self,
        options: ImportOptions,
        messages: Callable[[], Iterator[ImportGraphRequest]],
        timeout: float | None,
        metadata: CallMetadata,
        *,
        again: bool,
    ) -> Generator[ImportReport]:
        course = Course(options)
        answers = self._converse(
            self._graph_service.ImportGraph,
            lambda: (course.begin(), messages()),
            course.gets_on,
            timeout,
            metadata,
            can_begin_anew=again,
        )
        with closing(answers):
            for response in answers:
                yield course.report(response)


def _item_messages(items: Iterable[GraphItem]) -> Iterator[ImportGraphRequest]:
    messages = _graphs.ItemMessages()
    for item in each(items):
        full = messages.add(item)
        if full is not None:
            yield full
    yield messages.rest()


def _chunk_messages(chunks: Iterable[bytes]) -> Iterator[ImportGraphRequest]:
    for chunk in each(chunks):
        yield from _graphs.chunk_messages(chunk)
