"""Reading the messages of an import's caller as items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from twinfront.v1.graph_service_pb2 import GraphItem, ImportGraphRequest, ImportOptions
from twinfront_server.errors import invalid_argument
from twinfront_server.graph.import_format import FormatReader, Row
from twinfront_server.graph.item import Item, row_item, typed_item
from twinfront_server.wire.limits import MAX_ITEMS, require_at_most

_PIECE_BYTES: Final = 64 << 10
"""How much of a chunk is read at a time: lines that open sections are no items, and nothing is given for them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Holds the parts of a message while its items wait for their turn: parsed they may take up 30 times as much."""

    items: Sequence[bytes]
    chunk: bytes


class ItemReader:
    """Numbers the items of a stream, in whatever form they come, and reads them."""

    def __init__(self) -> None:
        self._resume_from = 0
        self._index = 0
        self._typed = False
        self._format: FormatReader | None = None

    def begin(self, first: ImportGraphRequest) -> ImportOptions:
        """Reads the options of the first message.

        Raises:
            TwinfrontError: INVALID_ARGUMENT if they make no sense.
        """
        if first.options.resume_from < 0:
            raise invalid_argument("options.resume_from", "must not be negative")
        self._resume_from = first.options.resume_from
        options = ImportOptions()
        options.CopyFrom(first.options)
        first.ClearField("options")
        return options

    def take_apart(self, message: ImportGraphRequest) -> Parts:
        """Takes the items and the chunk of a message apart, as bytes; read them with `read` before the next message.

        Raises:
            TwinfrontError: INVALID_ARGUMENT if the stream cannot be gone on with: options in a later message, items and
                chunks in one stream, too many items in a message.
        """
        if message.HasField("options"):
            raise invalid_argument("options", "are for the first message only")
        require_at_most(len(message.items), MAX_ITEMS, "items", "items")
        chunk = message.chunk
        self._typed = self._typed or bool(message.items)
        if chunk and self._format is None:
            self._format = FormatReader()
        if self._typed and self._format is not None:
            raise invalid_argument("chunk" if chunk else "items", "a stream has items or chunks, not both")
        return Parts([item.SerializeToString() for item in message.items], chunk)

    def read(self, parts: Parts) -> Iterator[Item | None]:
        """Gives the items of a message; None for each that is to be read past, and now and then for nothing.

        Raises:
            TwinfrontError: INVALID_ARGUMENT, after the items before that place were given, if the text is unreadable.
        """
        for item in parts.items:
            yield self._numbered(item)
        if self._format is not None:
            for start in range(0, len(parts.chunk), _PIECE_BYTES):
                yield from map(self._numbered, self._format.read(parts.chunk[start : start + _PIECE_BYTES]))
                yield None

    def end(self) -> Iterator[Item | None]:
        """Gives the last item of a text without a line break at its end; raises as `read` does."""
        if self._format is not None:
            yield from map(self._numbered, self._format.end())

    def _numbered(self, item: bytes | Row) -> Item | None:
        index = self._index
        self._index += 1
        if index < self._resume_from:
            return None
        return row_item(index, item) if isinstance(item, Row) else typed_item(index, GraphItem.FromString(item))
