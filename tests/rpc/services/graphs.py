"""Graphs for tests, and short ways to import and export them."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc.aio
import orjson

from twinfront.v1 import graph_service_pb2 as graphs
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.graph_service_pb2 import GraphItem, ImportGraphRequest, ImportGraphResponse, ImportOptions
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.relationship_pb2 import Relationship

from .building import FLOOR, MODELS, ROOM, value

Message = TypeVar("Message")


@dataclass
class Imported:
    """What an import answered."""

    messages: list[ImportGraphResponse] = field(default_factory=list)

    @property
    def results(self) -> dict[int, graphs.ImportResult]:
        """By index; no item has two."""
        found = [result for message in self.messages for result in message.results]
        by_index = {result.index: result for result in found}
        assert len(by_index) == len(found)
        return by_index

    @property
    def failures(self) -> dict[int, graphs.ImportResult]:
        return {index: result for index, result in self.results.items() if result.status.code}

    @property
    def progress(self) -> graphs.ImportProgress:
        return self.messages[-1].progress

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Models, twins, relationships, failures."""
        progress = self.progress
        return (
            progress.models_imported,
            progress.digital_twins_imported,
            progress.relationships_imported,
            progress.failed,
        )


def items(*items: GraphItem, **options: Any) -> ImportGraphRequest:
    return ImportGraphRequest(items=items, options=ImportOptions(**options) if options else None)


def chunk(text: bytes, **options: Any) -> ImportGraphRequest:
    return ImportGraphRequest(chunk=text, options=ImportOptions(**options) if options else None)


async def run_import(channel: grpc.aio.Channel, *requests: ImportGraphRequest) -> Imported:
    """Imports and reads the answer to its end."""
    imported = Imported()
    async for message in GraphServiceStub(channel).ImportGraph(iter(requests)):
        imported.messages.append(message)
    return imported


async def collect(call: AsyncIterable[Message], messages: list[Message]) -> None:
    """Reads an answer to its end or the error; what came before it is in `messages`."""
    async for message in call:
        messages.append(message)  # noqa: PERF401  (an error must not lose those before it)


async def run_export(channel: grpc.aio.Channel, **request: Any) -> list[graphs.ExportGraphResponse]:
    """Exports and reads the answer to its end."""
    stream = GraphServiceStub(channel).ExportGraph(graphs.ExportGraphRequest(**request))
    return [message async for message in stream]


async def export_text(channel: grpc.aio.Channel, **request: Any) -> bytes:
    """An export in the import format."""
    messages = await run_export(channel, format=graphs.EXPORT_FORMAT_NDJSON, **request)
    return b"".join(message.chunk for message in messages)


def model(text: str) -> GraphItem:
    return GraphItem(dtdl_model=text)


def models() -> list[GraphItem]:
    """Those of the building."""
    return [model(text) for text in MODELS.values()]


def room(digital_twin_id: str, **properties: Any) -> GraphItem:
    """A room with its thermostat."""
    twin = DigitalTwin(
        id=digital_twin_id, model_id=ROOM, properties={name: value(item) for name, item in properties.items()}
    )
    twin.components["thermostat"].properties["setpoint"].double_value = 20.0
    return GraphItem(digital_twin=twin)


def floor(digital_twin_id: str) -> GraphItem:
    return GraphItem(digital_twin=DigitalTwin(id=digital_twin_id, model_id=FLOOR))


def contains(source: str, target: str, relationship_id: str = "") -> GraphItem:
    relationship = Relationship(
        id=relationship_id or f"{source}-{target}", source_id=source, target_id=target, name="contains"
    )
    return GraphItem(relationship=relationship)


def text(sections: Mapping[str, Iterable[Any]], *, header: bool = True) -> bytes:
    """A text in the import format; rows that are bytes stand as they are."""
    lines: list[bytes] = [b'{"Section": "Header"}', b'{"fileVersion": "1.0.0"}'] if header else []
    for section, rows in sections.items():
        lines.append(orjson.dumps({"Section": section}))
        lines += [row if isinstance(row, bytes) else orjson.dumps(row) for row in rows]
    return b"\n".join(lines)


def room_row(digital_twin_id: str, **members: Any) -> dict[str, Any]:
    thermostat = {"$metadata": {}, "setpoint": 20.0}
    return {"$dtId": digital_twin_id, "$metadata": {"$model": ROOM}, "thermostat": thermostat} | members


def floor_row(digital_twin_id: str, **members: Any) -> dict[str, Any]:
    return {"$dtId": digital_twin_id, "$metadata": {"$model": FLOOR}} | members


def contains_row(source: str, target: str, **members: Any) -> dict[str, Any]:
    ids = {"$dtId": source, "$relationshipId": f"{source}-{target}", "$targetId": target}
    return ids | {"$relationshipName": "contains"} | members


def model_rows() -> list[bytes]:
    return [text.encode() for text in MODELS.values()]


def cut(data: bytes, size: int) -> Sequence[ImportGraphRequest]:
    """The text in chunks of this many bytes."""
    return [ImportGraphRequest(chunk=data[at : at + size]) for at in range(0, len(data), size)]


async def many(count: int) -> AsyncIterator[ImportGraphRequest]:
    """Models, and so many rooms."""
    yield items(*models())
    for first in range(0, count, 100):
        yield items(*(room(f"room-{number}") for number in range(first, min(first + 100, count))))
