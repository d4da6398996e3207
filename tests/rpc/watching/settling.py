"""Begins a watch when the source has all that was written: an event route takes its time."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import grpc.aio

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import telemetry_service_pb2 as telemetry
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceStub
from twinfront_server.app import App
from twinfront_server.upstream.changes.source import Position

MODEL = '{"@context": "dtmi:dtdl:context;3", "@id": "dtmi:settling:Mark;1", "@type": "Interface"}'
MARK = "settling"
SECONDS = 20.0


class Settling(grpc.aio.UnaryStreamClientInterceptor):
    """Sends a message of telemetry before each watch, and waits until the source has it: it is not told to watches.

    Args:
        server: has the source.
    """

    def __init__(self, server: App) -> None:
        self._server = server
        self._position: Position = {}
        self._has_mark = False

    async def intercept_unary_stream(
        self, continuation: Callable[[Any, Any], Any], details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        if str(details.method).rstrip("'").endswith("/Watch"):
            await self._settle()
        return await continuation(details, request)

    async def _settle(self) -> None:
        async with grpc.aio.insecure_channel(str(self._server.address)) as channel:
            if not self._has_mark:
                await ModelServiceStub(channel).CreateModels(models.CreateModelsRequest(dtdl_models=[MODEL]))
                twin = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id=MARK)
                twin.digital_twin.model_id = "dtmi:settling:Mark;1"
                await DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(twin)
                self._has_mark = True
            message_id = str(uuid.uuid4())
            request = telemetry.PublishTelemetryRequest(digital_twin_id=MARK, message_id=message_id)
            request.payload.int_value = 1
            await TelemetryServiceStub(channel).PublishTelemetry(request)
        source = self._server.upstream.changes
        assert source is not None
        async with asyncio.timeout(SECONDS):
            while True:
                batch = await source.read(self._position, 100)
                self._position = batch.position
                if any(change.id == message_id for change in batch.changes):
                    return
                await source.wait(self._position, SECONDS)
