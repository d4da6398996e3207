"""Exporting a graph: its items packed into messages, each of which says where to go on."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from twinfront.v1.graph_service_pb2 import ExportFormat, ExportGraphRequest, ExportGraphResponse, GraphItem
from twinfront_server.call import current_call
from twinfront_server.errors import invalid_argument, server_draining
from twinfront_server.graph.exported import fill_item
from twinfront_server.graph.import_format import Section, header_line, row_line, section_line
from twinfront_server.graph.walk import GraphWalk, Place, Step
from twinfront_server.upstream import Upstream
from twinfront_server.wire.filling import Filling, room_for_items

MAX_BYTES: Final = 256 << 10
"""Bytes of the items in one message at the most; a single larger item comes alone."""

_AUTHOR: Final = "twinfront"
_FORMATS: Final = frozenset(ExportFormat.values())


async def export_graph(
    upstream: Upstream,
    request: ExportGraphRequest,
    place: Place,
    seal: Callable[[Place], str],
    *,
    max_response_bytes: int,
) -> AsyncGenerator[ExportGraphResponse]:
    """Gives the messages of one stream.

    Args:
        upstream: what is exported.
        request: what the caller asked for.
        place: where to begin, or go on.
        seal: makes a token of a place.
        max_response_bytes: the server's largest message.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a format that the enum does not have, or a query whose rows are no twins;
            SERVER_DRAINING, after a message, when the server is about to stop; what the upstream's reads raise.
    """
    if request.format not in _FORMATS:
        raise invalid_argument("format", f"{request.format} is not an ExportFormat")
    stopping = current_call().stopping
    max_bytes = min(MAX_BYTES, room_for_items(max_response_bytes))
    message = (_Lines if request.format == ExportFormat.EXPORT_FORMAT_NDJSON else _Items)(max_bytes)
    walk = GraphWalk(upstream, request.query, exclude_models=request.exclude_models)
    after = place
    async with aclosing(walk.steps(after)) as steps:
        async for step in steps:
            if not message.add(step):
                yield message.take(seal(after))
                if stopping is not None and stopping.is_set():
                    raise server_draining("Go on with the last resume_token.")
                message.add(step)
            after = step.after
    yield message.take("")


class _Items:
    """A message with typed items."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._begin()

    def add(self, step: Step) -> bool:
        """Adds what a step comes to; False if the message is full."""
        return step.row is None or self._items.add(step)

    def take(self, resume_token: str) -> ExportGraphResponse:
        """Gives the message and begins an empty one."""
        message = self._message
        message.resume_token = resume_token
        self._begin()
        return message

    def _begin(self) -> None:
        self._message = ExportGraphResponse()
        self._items = Filling(self._message.items, _fill, max_bytes=self._max_bytes)


class _Lines:
    """A message with lines of the import format."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._text = bytearray()

    def add(self, step: Step) -> bool:
        """Adds what a step comes to; False if the message is full."""
        text = _opening(step.section) if step.row is None else row_line(step.row)
        if self._text and len(self._text) + len(text) > self._max_bytes:
            return False
        self._text += text
        return True

    def take(self, resume_token: str) -> ExportGraphResponse:
        """Gives the message and begins an empty one."""
        message = ExportGraphResponse(chunk=bytes(self._text), resume_token=resume_token)
        self._text.clear()
        return message


def _fill(item: GraphItem, step: Step) -> None:
    if step.row is not None:
        fill_item(item, step.section, step.row)


def _opening(section: Section) -> bytes:
    opened = section_line(section)
    return opened + header_line(_AUTHOR) if section is Section.HEADER else opened
