"""Hostile requests for each RPC and each of its fields.

TWINFRONT_HOSTILE=all sends every one there is, and not one of each kind.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from twinfront.errors import from_rpc_error

from ..contract_services import METHODS
from ..rpc.serving.process import ServedProcess
from .conftest import MEASURED
from .documents import SIZE, as_new
from .health import HealthWatch
from .measuring import Meter, Usage, resident_megabytes
from .shapes import Shape, samples, shapes

CPU_SECONDS = 1.0
WRITE_SECONDS = 0.001
MEMORY_MB = 150.0
TRIES = 3
GROWTH = 2.6
"""How much more twice the input may cost."""

NEGLIGIBLE_SECONDS = 0.15
HEALTH_SECONDS = 5.0
DEADLINE_SECONDS = 60.0

AT_ONCE = 6
AT_ONCE_MB = 300.0

NOT_FOR_CALLERS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED}

LARGE = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}

ALL = [shape for method in METHODS for shape in shapes(method)]
SHAPES = ALL if os.environ.get("TWINFRONT_HOSTILE") == "all" else list(samples(METHODS))

HEAVIEST = [
    "CreateOrReplaceDigitalTwin: digital_twin.components has empty entries",
    "CreateOrReplaceDigitalTwin: digital_twin.json is as many unknown properties as may be",
    "CreateOrReplaceDigitalTwin: digital_twin.json is many unknown properties",
    "UpdateDigitalTwin: patch are as many as may be",
    "UpdateDigitalTwin: patch[].path is segments",
    "BatchWriteDigitalTwins: writes are empty",
    "CreateModels: dtdl_models are 250 models of as many properties as may be",
    "ImportGraph: chunk is empty objects",
]


@pytest.fixture(scope="module")
def channel(served: ServedProcess) -> Iterator[grpc.Channel]:
    options = [("grpc.max_receive_message_length", 32 << 20), ("grpc.enable_retries", 0)]
    with grpc.insecure_channel(served.address, options) as channel:
        yield channel


def send(channel: grpc.Channel, shape: Shape, data: bytes) -> grpc.StatusCode:
    """Sends the request and reads all that is answered."""
    kinds = {
        (False, False): (channel.unary_unary, data),
        (False, True): (channel.unary_stream, data),
        (True, False): (channel.stream_unary, iter([data])),
        (True, True): (channel.stream_stream, iter([data])),
    }
    open_call, request = kinds[shape.method.client_streaming, shape.method.server_streaming]
    call: Any = open_call(shape.path)
    try:
        answer = call(request, timeout=DEADLINE_SECONDS)
        if shape.method.server_streaming:
            list(answer)
    except grpc.RpcError as error:
        refused = from_rpc_error(error)
        code: grpc.StatusCode = error.code()
        return code if refused.reason else grpc.StatusCode.UNKNOWN
    return grpc.StatusCode.OK


def usage_of(served: ServedProcess, channel: grpc.Channel, shape: Shape, size: int) -> Usage:
    data = as_new(shape.make(size))
    meter = Meter(served.process.pid)
    code = send(channel, shape, data)
    usage = meter.read()
    assert code not in NOT_FOR_CALLERS
    return usage


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_field_that_can_be_large_is_tried(method: MethodDescriptor):
    tried = {shape.field for shape in SHAPES if shape.method is method}
    large = {field.name for field in method.input_type.fields if field.is_repeated or field.type in LARGE}
    assert tried >= large
    assert tried or not method.input_type.fields


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.usefixtures("health")
def test_a_hostile_request_costs_little(served: ServedProcess, channel: grpc.Channel, shape: Shape):
    usage = MEASURED[str(shape)] = usage_of(served, channel, shape, SIZE)
    assert usage.cpu <= CPU_SECONDS + WRITE_SECONDS * shape.writes
    assert usage.memory <= MEMORY_MB
    if usage.cpu > NEGLIGIBLE_SECONDS:
        # Processor time is shared with whatever else the machine does: what grows too fast does so each time.
        assert any(grows_moderately(served, channel, shape) for _ in range(TRIES))


def grows_moderately(served: ServedProcess, channel: grpc.Channel, shape: Shape) -> bool:
    whole, half = (usage_of(served, channel, shape, size).cpu for size in (SIZE, SIZE // 2))
    return whole <= GROWTH * half + NEGLIGIBLE_SECONDS


@pytest.mark.parametrize("name", HEAVIEST)
@pytest.mark.usefixtures("health")
def test_several_at_once_do_not_swell_the_server(served: ServedProcess, channel: grpc.Channel, name: str):
    (shape,) = (shape for shape in ALL if str(shape) == name)
    data = shape.make(SIZE)
    before = resident_megabytes(served.process.pid)
    meter = Meter(served.process.pid)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        codes = set(threads.map(lambda _: send(channel, shape, as_new(data)), range(AT_ONCE)))
    assert not codes & NOT_FOR_CALLERS
    assert meter.read().memory <= AT_ONCE_MB
    assert resident_megabytes(served.process.pid) - before <= MEMORY_MB


def test_the_server_answered_for_its_health_all_the_while(health: HealthWatch):
    waits = health.waits()
    assert waits
    assert max(waits) <= HEALTH_SECONDS


def test_no_hostile_request_was_a_surprise(served: ServedProcess):
    assert "unexpected exception" not in served.log()
