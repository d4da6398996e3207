"""Targets that are whole programs in this process: each RPC of the front, and the REST requests of localtwins."""

import asyncio
from functools import cache
from typing import Any, Final

import grpc
import grpc.aio
import orjson
from google.protobuf.descriptor import MethodDescriptor
from tests.contract_services import METHODS
from tests.hostile.documents import MODEL, MODEL_ID, THERMOSTAT
from tests.hostile.shapes import good_request
from tests.localtwins.adt import MODELS, ROOM_TWIN, SPACE_TWIN, Adt

from localtwins import LocalTwins, Request
from localtwins.rest.routing import ROUTES
from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import CreateOrReplaceDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.model_service_pb2 import CreateModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .target import Target

_SECONDS: Final = 20.0
_NEVER: Final = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
_API_VERSION: Final = "api-version=2023-10-31"


class _Front:
    """A front in this process with the embedded service, and a channel to it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._app = App(Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:"))
        self._channel: grpc.aio.Channel = self._loop.run_until_complete(self._open())

    def call(self, method: MethodDescriptor, request: bytes) -> None:
        """Calls a method; a failure that no caller should see, or that tells no reason, is raised."""
        self._loop.run_until_complete(self._call(method, request))

    async def _open(self) -> grpc.aio.Channel:
        await self._app.__aenter__()
        channel = grpc.aio.insecure_channel(str(self._app.address), [("grpc.enable_retries", 0)])
        models = [orjson.dumps(model).decode() for model in (MODEL, THERMOSTAT)]
        await ModelServiceStub(channel).CreateModels(CreateModelsRequest(dtdl_models=models))
        thermostat = {"$metadata": {}, "note": "x"}
        for twin_id in ("room", "hall"):
            document = {"$metadata": {"$model": MODEL_ID}, "note": "x", "thermostat": thermostat}
            request = CreateOrReplaceDigitalTwinRequest(
                digital_twin_id=twin_id, digital_twin=DigitalTwin(json=orjson.dumps(document))
            )
            await DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(request)
        return channel

    async def _call(self, method: MethodDescriptor, request: bytes) -> None:
        path = f"/{method.containing_service.full_name}/{method.name}"
        call: Any
        try:
            if method.client_streaming:
                open_call: Any = self._channel.stream_stream if method.server_streaming else self._channel.stream_unary
                call = open_call(path)(iter([request]), timeout=_SECONDS)
            else:
                open_call = self._channel.unary_stream if method.server_streaming else self._channel.unary_unary
                call = open_call(path)(request, timeout=_SECONDS)
            if method.server_streaming:
                async for _ in call:
                    pass
            else:
                await call
        except grpc.RpcError as error:
            if error.code() in _NEVER or not from_rpc_error(error).reason:
                raise


class _Twins:
    """A service in this process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._adt: Adt = self._loop.run_until_complete(self._open())

    async def _open(self) -> Adt:
        adt = Adt(await LocalTwins.open(":memory:"))
        await adt.post("/models", MODELS)
        await adt.put("/digitaltwins/room", ROOM_TWIN)
        await adt.put("/digitaltwins/space", SPACE_TWIN)
        return adt

    def answer(self, request: Request) -> int:
        return self._loop.run_until_complete(self._adt.service.handle(request)).status


_front = cache(_Front)
_twins = cache(_Twins)
_METHODS: Final = {method.name.encode(): method for method in METHODS}


def _rpc(data: bytes) -> None:
    """The first line names the method, the rest is the message."""
    name, _, request = data.partition(b"\n")
    if name in _METHODS:
        _front().call(_METHODS[name], request)


def _rest(data: bytes) -> None:
    """Three lines, of the method, the target and the conditions in headers, and the body."""
    lines = data.split(b"\n", 3)
    if len(lines) == 4 and lines[0] in _VERBS:
        verb, target, conditions, body = lines
        path, _, query = target.decode("latin-1").partition("?")
        if_match, _, if_none_match = conditions.decode("latin-1").partition(" ")
        headers = {"if-match": if_match, "if-none-match": if_none_match}
        request = Request(verb.decode(), path, query, {name: value for name, value in headers.items() if value}, body)
        assert _twins().answer(request) < 500


_VERBS: Final = sorted({verb.encode() for methods in ROUTES.values() for verb in methods})
_BODIES: Final[dict[str, Any]] = {
    "/models": MODELS,
    "/query": {"query": "SELECT * FROM DIGITALTWINS"},
    "/digitaltwins/{}": ROOM_TWIN,
    "/digitaltwins/{}/relationships/{}": {"$targetId": "space", "$relationshipName": "adjacentTo"},
    "/eventroutes/{}": {"endpointName": "e", "filter": "type = 'x' AND NOT (a.b != 'c')"},
    "/jobs/imports/{}": {"inputBlobUri": "file:in", "outputBlobUri": "file:out"},
}
_PATCH: Final = [{"op": "replace", "path": "/temperature", "value": 2}]
_IDS: Final = {"/models/{}": ("dtmi%3Atest%3ARoom%3B1",)}


def _seeds() -> list[bytes]:
    seeds = []
    for path, verb in ((path, verb) for path, methods in ROUTES.items() for verb in methods):
        body = _PATCH if verb == "PATCH" else _BODIES.get(path, {})
        target = path.format(*_IDS.get(path, ("room", "sensor")))
        content = b"" if verb == "GET" else orjson.dumps(body)
        seeds.append(f"{verb}\n{target}?{_API_VERSION}\n* \n".encode() + content)
    return seeds


TARGETS: Final = [
    Target(
        "rpc",
        _rpc,
        [name + b"\n" + good_request(method.input_type) for name, method in _METHODS.items()],
        heads=list(_METHODS),
    ),
    Target("rest", _rest, _seeds(), heads=_VERBS),
]
