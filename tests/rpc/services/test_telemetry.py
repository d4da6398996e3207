"""Telemetry, and the event routes that carry it on."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import event_route_service_pb2 as routes
from twinfront.v1 import telemetry_service_pb2 as telemetry
from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceStub
from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceStub

from .building import Building, value
from .refusal import fields, refused

if TYPE_CHECKING:
    from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceAsyncStub

Code = grpc.StatusCode
PAYLOAD = value({"temperature": 21.5, "count": 2**53 + 1})


@pytest.fixture
async def stub(building: Building, channel: grpc.aio.Channel) -> "TelemetryServiceAsyncStub":
    await building.add_room("room")
    asynchronous: TelemetryServiceAsyncStub = TelemetryServiceStub(channel)
    return asynchronous


def message(**members: Any) -> telemetry.PublishTelemetryRequest:
    sound: dict[str, Any] = {"digital_twin_id": "room", "payload": PAYLOAD}
    return telemetry.PublishTelemetryRequest(**(sound | members))


async def arrived(blobs: Path) -> dict[str, Any]:
    """The first event at the endpoint."""
    file = blobs / "events.ndjson"
    async with asyncio.timeout(10):
        while not (file.exists() and file.read_bytes().endswith(b"\n")):
            await asyncio.sleep(0.02)
    event: dict[str, Any] = orjson.loads(file.read_bytes().splitlines()[0])
    return event


@pytest.fixture
async def routed(channel: grpc.aio.Channel) -> None:
    await EventRouteServiceStub(channel).CreateOrReplaceEventRoute(
        routes.CreateOrReplaceEventRouteRequest(
            event_route_id="all",
            event_route=routes.EventRoute(endpoint_name="events", filter="type = 'microsoft.iot.telemetry'"),
        )
    )


@pytest.mark.usefixtures("routed")
async def test_a_message_arrives_at_the_endpoint_of_a_route(stub: "TelemetryServiceAsyncStub", blobs: Path):
    observed = Timestamp(seconds=1_600_000_000, nanos=123_456_700)
    answer = await stub.PublishTelemetry(message(message_id="message 1", source_time=observed))
    assert answer.message_id == "message 1"
    event = await arrived(blobs)
    assert event["id"] == "message 1"
    assert event["data"] == {"temperature": 21.5, "count": 2**53 + 1}
    assert event["time"] == "2020-09-13T12:26:40.1234567Z"


@pytest.mark.usefixtures("routed")
async def test_a_message_of_a_component_arrives(stub: "TelemetryServiceAsyncStub", blobs: Path):
    await stub.PublishComponentTelemetry(
        telemetry.PublishComponentTelemetryRequest(
            digital_twin_id="room", component_name="thermostat", payload_json=b'{"setpoint": 20}'
        )
    )
    event = await arrived(blobs)
    assert event["data"] == {"setpoint": 20}
    assert "thermostat" in orjson.dumps(event).decode()


async def test_each_message_without_an_id_gets_one(stub: "TelemetryServiceAsyncStub"):
    first, second = await stub.PublishTelemetry(message()), await stub.PublishTelemetry(message())
    assert first.message_id
    assert first.message_id != second.message_id


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"digital_twin_id": ""}, "digital_twin_id"),
        ({"payload": None}, "payload"),
        ({"payload_json": b"{}"}, "payload_json"),
        ({"payload": None, "payload_json": b"{"}, "payload_json"),
        ({"payload": value(float("nan"))}, "payload"),
        ({"message_id": "line\r\nbreak"}, "message_id"),
        ({"message_id": "ümlaut"}, "message_id"),
        ({"message_id": " "}, "message_id"),
        ({"message_id": "x" * 300}, "message_id"),
        ({"source_time": Timestamp(nanos=-1)}, "source_time"),
        ({"source_time": Timestamp(seconds=2**40)}, "source_time"),
    ],
)
async def test_what_is_wrong_is_named(stub: "TelemetryServiceAsyncStub", members: Any, field: str):
    error = await refused(stub.PublishTelemetry(message(**members)))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, [field])


async def test_nobody_publishes_for_a_twin_that_is_not_there(stub: "TelemetryServiceAsyncStub"):
    error = await refused(stub.PublishTelemetry(message(digital_twin_id="nobody")))
    assert error.reason == "TWIN_NOT_FOUND"
    component = telemetry.PublishComponentTelemetryRequest(
        digital_twin_id="room", component_name="sprinkler", payload=PAYLOAD
    )
    error = await refused(stub.PublishComponentTelemetry(component))
    assert error.reason == "COMPONENT_NOT_FOUND"
