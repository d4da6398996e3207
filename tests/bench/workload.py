"""What is called: a model, twins of it, and the requests, as the bytes that are sent."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import uuid4

import grpc.aio
import orjson

from twinfront.v1.digital_twin_service_pb2 import (
    CreateOrReplaceDigitalTwinRequest,
    GetDigitalTwinRequest,
    UpdateDigitalTwinRequest,
)
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.model_service_pb2 import CreateModelsRequest
from twinfront.v1.query_service_pb2 import QueryTwinsRequest
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON
from twinfront.v1.value_pb2 import Value

TWINS: Final = 1000
PAGE: Final = 100
QUERY: Final = "SELECT * FROM DIGITALTWINS"
SERVICE: Final = "/twinfront.v1.DigitalTwinService/"

PROPERTIES: Final = [f"reading{index}" for index in range(9)]
MODEL: Final = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:twinfront:bench:Machine;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": name, "schema": "double"} for name in PROPERTIES],
}
"""With its metadata a twin of it is about 1 KB of JSON."""

_PREPARED: Final = 2 * TWINS
"""Requests made before the clock starts, so that whoever calls is busy with calling; sent again and again."""
_AT_ONCE: Final = 16

Requests = Iterator[bytes]
RawCall: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


@dataclass(frozen=True)
class Operation:
    """One kind of call: its method, what it sends, and whether no request may be sent twice."""

    method: str
    make: Callable[[], Requests]
    unrepeated: bool = False

    def requests(self) -> Requests:
        """Gives requests without end."""
        made = self.make()
        return made if self.unrepeated else itertools.cycle(list(itertools.islice(made, _PREPARED)))


def name_of(number: int) -> str:
    """The id of a twin."""
    return f"machine{number}"


def twin_json(number: int, reading: float) -> dict[str, Any]:
    """A twin as JSON, each time with other values: SQLite skips writes that change nothing."""
    properties = {name: reading + index for index, name in enumerate(PROPERTIES)}
    return {"$dtId": name_of(number), "$metadata": {"$model": MODEL["@id"]}, **properties}


def patch_json(reading: float) -> list[dict[str, Any]]:
    """A patch of three properties."""
    return [{"op": "add", "path": f"/{name}", "value": reading} for name in PROPERTIES[:3]]


def _gets(**options: Any) -> Callable[[], Requests]:
    def requests() -> Requests:
        for number in itertools.cycle(range(TWINS)):
            yield GetDigitalTwinRequest(digital_twin_id=name_of(number), **options).SerializeToString()

    return requests


def _update(count: int, **options: Any) -> bytes:
    patch = [
        JsonPatchOperation(
            op=JsonPatchOperation.OP_ADD,
            path=operation["path"],
            value=Value(double_value=operation["value"]),
        )
        for operation in patch_json(count + 0.5)
    ]
    return UpdateDigitalTwinRequest(digital_twin_id=name_of(count % TWINS), patch=patch, **options).SerializeToString()


def _updates() -> Requests:
    return map(_update, itertools.count())


def _updates_with_ids() -> Requests:
    run = uuid4()
    return (_update(count, request_id=f"{run} {count}") for count in itertools.count())


def _creations() -> Requests:
    for count in itertools.count():
        number = TWINS + count % TWINS
        request = CreateOrReplaceDigitalTwinRequest(digital_twin_id=name_of(number), representation=REPRESENTATION_JSON)
        request.digital_twin.json = orjson.dumps(twin_json(number, float(count)))
        yield request.SerializeToString()


def _pages() -> Requests:
    request = QueryTwinsRequest(query=QUERY, page_size=PAGE, representation=REPRESENTATION_JSON)
    return itertools.repeat(request.SerializeToString())


OPERATIONS: Final = {
    "echo": Operation("/bench.Echo/Echo", lambda: itertools.repeat(bytes(985))),
    "get, JSON": Operation(SERVICE + "GetDigitalTwin", _gets(representation=REPRESENTATION_JSON)),
    "get, typed": Operation(SERVICE + "GetDigitalTwin", _gets()),
    "update 3 properties": Operation(SERVICE + "UpdateDigitalTwin", _updates),
    "update, request_id": Operation(SERVICE + "UpdateDigitalTwin", _updates_with_ids, unrepeated=True),
    "create or replace": Operation(SERVICE + "CreateOrReplaceDigitalTwin", _creations),
    "page of 100": Operation("/twinfront.v1.QueryService/QueryTwins", _pages),
}


def metadata(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call with that token, if there is one."""
    return (("authorization", f"Bearer {token}"),) if token else ()


async def load(address: str, token: str = "", twins: int = TWINS) -> None:
    """Creates the model and some twins."""
    async with grpc.aio.insecure_channel(address) as channel:
        create_models: RawCall = channel.unary_unary("/twinfront.v1.ModelService/CreateModels")
        models = CreateModelsRequest(dtdl_models=[orjson.dumps(MODEL).decode()])
        await create_models(models.SerializeToString(), metadata=metadata(token))
        create: RawCall = channel.unary_unary(SERVICE + "CreateOrReplaceDigitalTwin")
        numbers = iter(range(twins))

        async def worker() -> None:
            for number in numbers:
                request = CreateOrReplaceDigitalTwinRequest(digital_twin_id=name_of(number))
                request.digital_twin.json = orjson.dumps(twin_json(number, 0.5))
                await create(request.SerializeToString(), metadata=metadata(token))

        await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
