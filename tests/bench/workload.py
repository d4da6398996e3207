"""The calls that are measured: a model, twins of it, and the requests, as the bytes that are sent."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
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

PROPERTIES: Final = 9
"""With its metadata a twin with so many is about 1 KB of JSON."""
MODEL_ID: Final = "dtmi:twinfront:bench:Machine;1"

_PREPARED: Final = 2 * TWINS
"""Requests made before the clock starts, so that whoever calls is busy with calling; sent again and again."""
_AT_ONCE: Final = 16

Requests = Iterator[bytes]
RawCall: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


@dataclass(frozen=True)
class Operation:
    """One kind of call: its method, what it sends of twins with so many properties, and whether nothing twice."""

    method: str
    make: Callable[[int], Requests]
    unrepeated: bool = False

    def requests(self, properties: int = PROPERTIES) -> Requests:
        """Gives requests without end."""
        made = self.make(properties)
        return made if self.unrepeated else itertools.cycle(list(itertools.islice(made, _PREPARED)))


def name_of(number: int) -> str:
    """The id of a twin."""
    return f"machine{number}"


def model(properties: int = PROPERTIES) -> dict[str, Any]:
    """A model with so many properties."""
    return {
        "@context": "dtmi:dtdl:context;3",
        "@id": MODEL_ID,
        "@type": "Interface",
        "contents": [
            {"@type": "Property", "name": f"reading{index}", "schema": "double"} for index in range(properties)
        ],
    }


def twin_json(number: int, reading: float, properties: int = PROPERTIES) -> dict[str, Any]:
    """A twin as JSON, each time with other values: SQLite skips writes that change nothing."""
    readings = {f"reading{index}": reading + index for index in range(properties)}
    return {"$dtId": name_of(number), "$metadata": {"$model": MODEL_ID}, **readings}


def patch_json(reading: float) -> list[dict[str, Any]]:
    """A patch of three properties."""
    return [{"op": "add", "path": f"/reading{index}", "value": reading} for index in range(3)]


def _gets(**options: Any) -> Callable[[int], Requests]:
    def requests(_: int) -> Requests:
        for number in itertools.cycle(range(TWINS)):
            yield GetDigitalTwinRequest(digital_twin_id=name_of(number), **options).SerializeToString()

    return requests


def _update(count: int, *, as_json: bool = False, **options: Any) -> bytes:
    def operation(path: str, value: float) -> JsonPatchOperation:
        if as_json:
            return JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path=path, value_json=orjson.dumps(value))
        return JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path=path, value=Value(double_value=value))

    patch = [operation(change["path"], change["value"]) for change in patch_json(count + 0.5)]
    return UpdateDigitalTwinRequest(digital_twin_id=name_of(count % TWINS), patch=patch, **options).SerializeToString()


def _updates(_: int) -> Requests:
    return map(_update, itertools.count())


def _updates_as_json(_: int) -> Requests:
    return map(partial(_update, as_json=True), itertools.count())


def _updates_with_ids(_: int) -> Requests:
    run = uuid4()
    return (_update(count, request_id=f"{run} {count}") for count in itertools.count())


def _creations(properties: int) -> Requests:
    for count in itertools.count():
        number = TWINS + count % TWINS
        request = CreateOrReplaceDigitalTwinRequest(digital_twin_id=name_of(number), representation=REPRESENTATION_JSON)
        request.digital_twin.json = orjson.dumps(twin_json(number, float(count), properties))
        yield request.SerializeToString()


def _pages(_: int) -> Requests:
    request = QueryTwinsRequest(query=QUERY, page_size=PAGE, representation=REPRESENTATION_JSON)
    return itertools.repeat(request.SerializeToString())


OPERATIONS: Final = {
    "echo": Operation("/bench.Echo/Echo", lambda _: itertools.repeat(bytes(985))),
    "get, JSON": Operation(SERVICE + "GetDigitalTwin", _gets(representation=REPRESENTATION_JSON)),
    "get, typed": Operation(SERVICE + "GetDigitalTwin", _gets()),
    "update 3 properties": Operation(SERVICE + "UpdateDigitalTwin", _updates),
    "update 3 properties, JSON": Operation(SERVICE + "UpdateDigitalTwin", _updates_as_json),
    "update, request_id": Operation(SERVICE + "UpdateDigitalTwin", _updates_with_ids, unrepeated=True),
    "create or replace": Operation(SERVICE + "CreateOrReplaceDigitalTwin", _creations),
    "page of 100": Operation("/twinfront.v1.QueryService/QueryTwins", _pages),
}


def metadata(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call with that token, if there is one."""
    return (("authorization", f"Bearer {token}"),) if token else ()


async def load(address: str, token: str = "", *, twins: int = TWINS, properties: int = PROPERTIES) -> None:
    """Creates the model and some twins."""
    async with grpc.aio.insecure_channel(address) as channel:
        create_models: RawCall = channel.unary_unary("/twinfront.v1.ModelService/CreateModels")
        models = CreateModelsRequest(dtdl_models=[orjson.dumps(model(properties)).decode()])
        await create_models(models.SerializeToString(), metadata=metadata(token))
        create: RawCall = channel.unary_unary(SERVICE + "CreateOrReplaceDigitalTwin")
        numbers = iter(range(twins))

        async def worker() -> None:
            for number in numbers:
                request = CreateOrReplaceDigitalTwinRequest(digital_twin_id=name_of(number))
                request.digital_twin.json = orjson.dumps(twin_json(number, 0.5, properties))
                await create(request.SerializeToString(), metadata=metadata(token))

        await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))
