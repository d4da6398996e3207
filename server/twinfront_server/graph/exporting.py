"""Exporting a graph: its items packed into messages, each of which says where to go on."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final

from twinfront.v1.graph_service_pb2 import ExportFormat, ExportGraphRequest, ExportGraphResponse, GraphItem
from twinfront_server.call import current_call
from twinfront_server.errors import invalid_argument, server_draining
from twinfront_server.graph.exported import typed_row
from twinfront_server.graph.import_format import Section, header_line, row_line, section_line
from twinfront_server.graph.walk import GraphWalk, Place, Step
from twinfront_server.upstream import Upstream

MAX_BYTES: Final = 256 << 10
"""The size of a message, a single larger item aside."""

_AUTHOR: Final = "twinfront"
_FORMATS: Final = frozenset(ExportFormat.values())

Send = Callable[[ExportGraphResponse], Awaitable[None]]


async def export_graph(
    upstream: Upstream, request: ExportGraphRequest, place: Place, seal: Callable[[Place], str], send: Send
) -> None:
    """Serves one stream to its end.

    Args:
        upstream: what is exported.
        request: what the caller asked for.
        place: where to begin, or go on.
        seal: makes a token of a place.
        send: sends the caller a message, and waits until it can be sent.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a format that the enum does not have, or a query whose rows are no twins;
            SERVER_DRAINING, after a message, when the server is about to stop; what the upstream's reads raise.
    """
    if request.format not in _FORMATS:
        raise invalid_argument("format", f"{request.format} is not an ExportFormat")
    stopping = current_call().stopping
    message = _Lines() if request.format == ExportFormat.EXPORT_FORMAT_NDJSON else _Items()
    walk = GraphWalk(upstream, request.query, exclude_models=request.exclude_models)
    after = place
    async with aclosing(walk.steps(after)) as steps:
        async for step in steps:
            if not message.add(step):
                await send(message.take(seal(after)))
                if stopping is not None and stopping.is_set():
                    raise server_draining("Go on with the last resume_token.")
                message.add(step)
            after = step.after
    await send(message.take(""))


class _Items:
    """A message with typed items."""

    def __init__(self) -> None:
        self._items: list[GraphItem] = []
        self._bytes = 0

    def add(self, step: Step) -> bool:
        """Adds what a step comes to; False if the message is full."""
        if step.row is None:
            return True
        item = typed_row(step.section, step.row)
        size = item.ByteSize()
        if self._items and self._bytes + size > MAX_BYTES:
            return False
        self._items.append(item)
        self._bytes += size
        return True

    def take(self, resume_token: str) -> ExportGraphResponse:
        """The message; the next one is empty."""
        message = ExportGraphResponse(items=self._items, resume_token=resume_token)
        self._items, self._bytes = [], 0
        return message


class _Lines:
    """A message with lines of the import format."""

    def __init__(self) -> None:
        self._text = bytearray()

    def add(self, step: Step) -> bool:
        """Adds what a step comes to; False if the message is full."""
        text = _opening(step.section) if step.row is None else row_line(step.row)
        if self._text and len(self._text) + len(text) > MAX_BYTES:
            return False
        self._text += text
        return True

    def take(self, resume_token: str) -> ExportGraphResponse:
        """The message; the next one is empty."""
        message = ExportGraphResponse(chunk=bytes(self._text), resume_token=resume_token)
        self._text.clear()
        return message


def _opening(section: Section) -> bytes:
    opened = section_line(section)
    return opened + header_line(_AUTHOR) if section is Section.HEADER else opened
