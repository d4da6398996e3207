"""Whole graphs."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing

from twinfront import _graphs
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata
from twinfront._graphs import GraphItem, ImportReport
from twinfront._imports import AsyncImportReports
from twinfront.v1.graph_service_pb2 import ImportGraphRequest


class AsyncGraphMethods(AsyncConnection):
    """The methods that call the GraphService. What they are given to send may be iterables of either kind."""

    def import_graph(
        self,
        items: Iterable[GraphItem] | AsyncIterable[GraphItem],
        *,
        resume_from: int = 0,
        failures_only: bool = False,
        validate_only: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncImportReports:
        """Writes models, digital twins and relationships as they come. This is not atomic."""
        options = _graphs.import_options(
            resume_from=resume_from, failures_only=failures_only, validate_only=validate_only
        )
        return AsyncImportReports(self._import(options, _item_messages(items), timeout, metadata))

    def import_graph_text(
        self,
        chunks: Iterable[bytes] | AsyncIterable[bytes],
        *,
        resume_from: int = 0,
        failures_only: bool = False,
        validate_only: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncImportReports:
        """Writes a graph in the import format of Azure Digital Twins (NDJSON). This is not atomic."""
        options = _graphs.import_options(
            resume_from=resume_from, failures_only=failures_only, validate_only=validate_only
        )
        return AsyncImportReports(self._import(options, _chunk_messages(chunks), timeout, metadata))

    async def export_graph_text(
        self,
        query: str | None = None,
        *,
        exclude_models: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncIterator[bytes]:
        """Reads a graph in the import format of Azure Digital Twins (NDJSON), going on by itself where it broke."""
        stream = self._stream(
            self._graph_service.ExportGraph,
            lambda token: _graphs.export_graph_text(query, exclude_models=exclude_models, resume_token=token),
            timeout,
            metadata,
        )
        async with aclosing(stream):
            async for chunks in stream:
                for chunk in chunks:
                    yield chunk

    async def _import(
        self,
        options: ImportGraphRequest,
        messages: AsyncIterator[ImportGraphRequest],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> AsyncGenerator[ImportReport]:
        answers = self._converse(self._graph_service.ImportGraph, options, messages, timeout, metadata)
        async with aclosing(answers):
            async for response in answers:
                yield _graphs.read_report(response)


async def _item_messages(items: Iterable[GraphItem] | AsyncIterable[GraphItem]) -> AsyncIterator[ImportGraphRequest]:
    if isinstance(items, AsyncIterable):
        messages = _graphs.ItemMessages()
        async for item in items:
            full = messages.add(item)
            if full is not None:
                yield full
        yield messages.rest()
    else:
        for message in _graphs.item_messages(items):
            yield message


async def _chunk_messages(chunks: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[ImportGraphRequest]:
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            for message in _graphs.chunk_messages(chunk):
                yield message
    else:
        for chunk in chunks:
            for message in _graphs.chunk_messages(chunk):
                yield message
