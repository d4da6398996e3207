"""Calls over gRPC: an echo server as the floor, then the front on the embedded service.

Servers run in processes of their own. Per case: calls a second from one caller and from 16, and the processor time
of the server per call, which the load generator's own cost does not touch. Without `redis-server` that row is left out.
"""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import bearer_token
import grpc.aio
import orjson
from measuring import Samples, print_table
from processes import ServerProcess, echo_server, redis_server, twinfront_server

from twinfront.v1.digital_twin_service_pb2 import (
    CreateOrReplaceDigitalTwinRequest,
    GetDigitalTwinRequest,
    UpdateDigitalTwinRequest,
)
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.model_service_pb2 import CreateModelsRequest
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON
from twinfront.v1.value_pb2 import Value

TWINS = 1000
CALLERS = (1, 16)

PROPERTIES = [f"reading{index}" for index in range(9)]
MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:twinfront:bench:Machine;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": name, "schema": "double"} for name in PROPERTIES],
}
"""With its metadata a twin of it is about 1 KB of JSON."""

Requests = Iterator[bytes]
RawCall: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


@dataclass(frozen=True)
class Case:
    """One kind of call: where it goes and what it sends."""

    name: str
    server: str
    method: str
    requests: Callable[[], Requests]
    sends_token: bool = False


def twin_json(number: int, reading: float) -> dict[str, Any]:
    """A twin as JSON, each time with other values: SQLite skips writes that change nothing."""
    properties = {name: reading + index for index, name in enumerate(PROPERTIES)}
    return {"$dtId": f"machine{number}", "$metadata": {"$model": MODEL["@id"]}, **properties}


def _gets(**options: Any) -> Callable[[], Requests]:
    def requests() -> Requests:
        for number in itertools.cycle(range(TWINS)):
            yield GetDigitalTwinRequest(digital_twin_id=f"machine{number}", **options).SerializeToString()

    return requests


_json_gets = _gets(representation=REPRESENTATION_JSON)


def _updates() -> Requests:
    for count in itertools.count():
        patch = [
            JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path=f"/{name}", value=Value(double_value=count + 0.5))
            for name in PROPERTIES[:3]
        ]
        yield UpdateDigitalTwinRequest(digital_twin_id=f"machine{count % TWINS}", patch=patch).SerializeToString()


def _updates_with_ids() -> Requests:
    run = uuid4()
    for count, data in enumerate(_updates()):
        request = UpdateDigitalTwinRequest.FromString(data)
        request.request_id = f"{run} {count}"
        yield request.SerializeToString()


def _creations() -> Requests:
    for count in itertools.count():
        number = TWINS + count % TWINS
        request = CreateOrReplaceDigitalTwinRequest(
            digital_twin_id=f"machine{number}", representation=REPRESENTATION_JSON
        )
        request.digital_twin.json = orjson.dumps(twin_json(number, float(count)))
        yield request.SerializeToString()


SERVICE = "/twinfront.v1.DigitalTwinService/"
CASES = (
    Case("echo (floor)", "echo", "/bench.Echo/Echo", lambda: itertools.repeat(bytes(985))),
    Case("get, JSON", "memory", SERVICE + "GetDigitalTwin", _json_gets),
    Case("get, JSON, token sent", "memory", SERVICE + "GetDigitalTwin", _json_gets, True),
    Case("get, JSON, auth on", "guarded", SERVICE + "GetDigitalTwin", _json_gets, True),
    Case("get, typed", "memory", SERVICE + "GetDigitalTwin", _gets()),
    Case("update 3 properties", "memory", SERVICE + "UpdateDigitalTwin", _updates),
    Case("update, request_id", "memory", SERVICE + "UpdateDigitalTwin", _updates_with_ids),
    Case("update, request_id, Redis", "sharing", SERVICE + "UpdateDigitalTwin", _updates_with_ids),
    Case("create or replace", "memory", SERVICE + "CreateOrReplaceDigitalTwin", _creations),
    Case("get, JSON, on disk", "disk", SERVICE + "GetDigitalTwin", _json_gets),
    Case("update, on disk", "disk", SERVICE + "UpdateDigitalTwin", _updates),
    Case("create, on disk", "disk", SERVICE + "CreateOrReplaceDigitalTwin", _creations),
)


async def run(rounds: int, seconds: float) -> None:
    """Starts the servers, runs all cases in turn and prints the table."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        token = bearer_token.issue(folder / "keys.json")
        guarded = bearer_token.server_options(folder / "keys.json")
        servers = {
            "echo": stack.enter_context(echo_server()),
            "memory": stack.enter_context(twinfront_server(":memory:")),
            "guarded": stack.enter_context(twinfront_server(":memory:", *guarded)),
            "disk": stack.enter_context(twinfront_server(str(folder / "data"))),
        }
        if shutil.which("redis-server"):
            redis = stack.enter_context(redis_server(folder))
            servers["sharing"] = stack.enter_context(twinfront_server(":memory:", "--outcomes", redis))
        cases = [case for case in CASES if case.server in servers]
        channels = {}
        for name, server in servers.items():
            channels[name] = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
            if name != "echo":
                await load(channels[name], token)
        calls = {callers: Samples() for callers in CALLERS}
        processor = Samples()
        for _ in range(rounds):
            for case in cases:
                for callers in CALLERS:
                    rate, microseconds = await measure(
                        channels[case.server], servers[case.server], case, callers, seconds, token
                    )
                    calls[callers].add(case.name, rate)
                    if callers == CALLERS[-1]:
                        processor.add(case.name, microseconds)
    floor = CASES[0].name
    print_table(
        "Calls through the front (ratios to the echo floor of the same round)",
        [
            "case",
            *(f"{callers} caller{'s'[: callers - 1]} /s" for callers in CALLERS),
            "ratio",
            "server CPU us",
            "ratio",
        ],
        [
            [
                case.name,
                *(f"{calls[callers].median(case.name):.0f}" for callers in CALLERS),
                f"{calls[CALLERS[-1]].ratio(case.name, floor):.2f}",
                f"{processor.median(case.name):.0f}",
                f"{processor.ratio(case.name, floor):.2f}",
            ]
            for case in cases
        ],
    )


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()


async def load(channel: grpc.aio.Channel, token: str = "", twins: int = TWINS) -> None:
    """Creates the model and some twins."""
    create_models: RawCall = channel.unary_unary("/twinfront.v1.ModelService/CreateModels")
    models = CreateModelsRequest(dtdl_models=[orjson.dumps(MODEL).decode()])
    await create_models(models.SerializeToString(), metadata=_metadata(token))
    create: RawCall = channel.unary_unary(SERVICE + "CreateOrReplaceDigitalTwin")
    for number in range(twins):
        request = CreateOrReplaceDigitalTwinRequest(digital_twin_id=f"machine{number}")
        request.digital_twin.json = orjson.dumps(twin_json(number, 0.5))
        await create(request.SerializeToString(), metadata=_metadata(token))


async def measure(
    channel: grpc.aio.Channel, server: ServerProcess, case: Case, callers: int, seconds: float, token: str
) -> tuple[float, float]:
    """Calls per second, and microseconds of the server's processor time per call."""
    call: RawCall = channel.unary_unary(case.method)
    requests = case.requests()
    metadata = _metadata(token) if case.sends_token else ()
    loop = asyncio.get_running_loop()
    start, processor = loop.time(), server.processor_seconds()
    end = start + seconds
    done = 0

    async def caller() -> None:
        nonlocal done
        while loop.time() < end:
            await call(next(requests), metadata=metadata)
            done += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / (loop.time() - start), (server.processor_seconds() - processor) / done * 1e6
