"""Whole graphs: the messages of imports and exports, and what they tell as Python values."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from twinfront import _digital_twins, _json, _relationships
from twinfront._calls import Call
from twinfront._digital_twins import DigitalTwin
from twinfront._models import dtdl_texts
from twinfront._relationships import Relationship
from twinfront.errors import TwinfrontError, from_status
from twinfront.v1 import digital_twin_pb2, relationship_pb2
from twinfront.v1 import graph_service_pb2 as rpcs

GraphItem: TypeAlias = DigitalTwin | Relationship | Mapping[str, Any] | str
"""A part of a graph: a twin or relationship, as a value or in the JSON form of Azure Digital Twins; or a model, as a
mapping or JSON text of DTDL."""

ITEMS_A_MESSAGE: Final = 100
BYTES_A_MESSAGE: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Tells how one item of an import ended."""

    index: int
    """The item's place in the stream, from 0."""
    resource: str
    """What it was about, such as `digitaltwins/room-1`; empty if it could not be read."""
    etag: str
    """The new etag of a twin or relationship."""
    line: int
    """Of a text, the line, from 1; else 0."""
    error: TwinfrontError | None
    """Why it failed; None if it did not."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """Tells how far an import is."""

    acknowledged_count: int
    """All items with a smaller index have ended: what `resume_from` takes after a break."""
    models_imported: int
    """How many models were created or were there already."""
    digital_twins_imported: int
    """How many twins were created or replaced."""
    relationships_imported: int
    """How many relationships were created or replaced."""
    failed: int
    """How many items failed."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Tells the news of an import."""

    results: list[ImportResult]
    """How items ended, in the order in which they did."""
    progress: ImportProgress
    """How far the import is."""


def item_message(item: GraphItem) -> rpcs.GraphItem:
    """Makes an item as it is sent.

    Raises:
        ValueError: A mapping that is neither twin nor relationship nor model.
    """
    match item:
        case DigitalTwin():
            twin = digital_twin_pb2.DigitalTwin(json=_json.dump(_digital_twins.request_form(item), "digital_twin"))
            return rpcs.GraphItem(digital_twin=twin)
        case Relationship():
            return _relationship(_relationships.request_form(item))
        case str():
            return rpcs.GraphItem(dtdl_model=item)
        case {"$relationshipId": _}:
            # The import format calls the source $dtId.
            renamed = {"$sourceId" if name == "$dtId" else name: member for name, member in item.items()}
            return _relationship(renamed)
        case {"$dtId": _}:
            return rpcs.GraphItem(digital_twin=digital_twin_pb2.DigitalTwin(json=_json.dump(item, "digital_twin")))
        case {"@id": _} | {"@type": _}:
            return rpcs.GraphItem(dtdl_model=dtdl_texts([item])[0])
    raise ValueError(f"{item!r:.200} is no twin ($dtId), no relationship ($relationshipId) and no model (@id)")


def _relationship(document: Mapping[str, Any]) -> rpcs.GraphItem:
    return rpcs.GraphItem(relationship=relationship_pb2.Relationship(json=_json.dump(document, "relationship")))


class ItemMessages:
    """Gathers items into messages of a size that suits the server."""

    def __init__(self) -> None:
        self._items: list[rpcs.GraphItem] = []
        self._bytes = 0

    def add(self, item: GraphItem) -> rpcs.ImportGraphRequest | None:
        """Takes an item; gives a message once one is full."""
        message = item_message(item)
        self._items.append(message)
        self._bytes += message.ByteSize()
        if len(self._items) >= ITEMS_A_MESSAGE or self._bytes >= BYTES_A_MESSAGE:
            return self.rest()
        return None

    def rest(self) -> rpcs.ImportGraphRequest:
        """Makes the message of the items that are left."""
        message = rpcs.ImportGraphRequest(items=self._items)
        self._items, self._bytes = [], 0
        return message


def chunk_messages(chunk: bytes) -> Iterator[rpcs.ImportGraphRequest]:
    """Makes the messages that carry a piece of a text."""
    for start in itertools.takewhile(lambda start: start < len(chunk), itertools.count(0, BYTES_A_MESSAGE)):
        yield rpcs.ImportGraphRequest(chunk=chunk[start : start + BYTES_A_MESSAGE])


def read_results(response: rpcs.ImportGraphResponse) -> list[ImportResult]:
    """Reads how the items ended that a message of the server's tells of."""
    return [
        ImportResult(result.index, result.resource, result.etag, result.line, from_status(result.status))
        for result in response.results
    ]


def export_graph_text(
    query: str | None, *, exclude_models: bool, resume_token: str
) -> Call[rpcs.ExportGraphRequest, rpcs.ExportGraphResponse, list[bytes]]:
    return Call(
        rpcs.ExportGraphRequest(
            query=query or "",
            exclude_models=exclude_models,
            format=rpcs.EXPORT_FORMAT_NDJSON,
            resume_token=resume_token,
        ),
        lambda response: [response.chunk] if response.chunk else [],
    )
