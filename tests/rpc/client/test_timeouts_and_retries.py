"""Deadlines, and what the service config sends again."""

import asyncio
import contextlib
import threading
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

import twinfront
from twinfront import AsyncTwinfrontClient
from twinfront.v1.digital_twin_service_pb2 import (
    DeleteDigitalTwinResponse,
    GetDigitalTwinResponse,
    UpdateDigitalTwinResponse,
)
from twinfront.v1.model_service_pb2 import CreateModelsResponse

from .awaited import Connect
from .scripted_server import ScriptedServer, failing


def found(_request: Any, _context: grpc.ServicerContext) -> Message:
    response = GetDigitalTwinResponse()
    response.digital_twin.json = b'{"$dtId":"room-1","$metadata":{"$model":"dtmi:example:Room;1"}}'
    return response


async def test_the_server_is_told_the_default_deadline(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["GetDigitalTwin"] = found
    scripted.answers["UpdateDigitalTwin"] = lambda *_: UpdateDigitalTwinResponse()
    scripted.answers["CreateModels"] = lambda *_: CreateModelsResponse()
    await scripted_client.get_digital_twin("room-1")
    await scripted_client.update_digital_twin("room-1", [])
    await scripted_client.create_models([])
    assert [round(seconds, -1) for seconds in scripted.time_left] == [30, 60, 300]


async def test_a_longer_timeout_of_the_caller_holds(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["GetDigitalTwin"] = found
    await scripted_client.get_digital_twin("room-1", timeout=500)
    assert round(scripted.time_left[0], -1) == 500


async def test_a_timeout_of_the_caller_ends_the_call(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    release = threading.Event()

    def slow(_request: Any, _context: grpc.ServicerContext) -> Message:
        release.wait(30)
        return DeleteDigitalTwinResponse()

    scripted.answers["DeleteDigitalTwin"] = slow
    with pytest.raises(twinfront.DeadlineExceededError, match="the server may not be reachable"):
        await scripted_client.delete_digital_twin("room-1", timeout=0.2)
    release.set()


async def test_a_read_that_found_the_server_unavailable_is_sent_again(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    unavailable = failing(grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")

    def answer(request: Any, context: grpc.ServicerContext) -> Message:
        return unavailable(request, context) if len(scripted.requests) < 3 else found(request, context)

    scripted.answers["GetDigitalTwin"] = answer
    assert (await scripted_client.get_digital_twin("room-1")).id == "room-1"
    assert len(scripted.requests) == 3


async def test_a_throttled_write_is_sent_again_when_the_server_says(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    throttled = failing(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED", trailers=(("grpc-retry-pushback-ms", "20"),)
    )
    scripted.answers["UpdateDigitalTwin"] = lambda *call: (
        throttled(*call) if len(scripted.requests) < 2 else UpdateDigitalTwinResponse(etag='W/"2"')
    )
    assert await scripted_client.update_digital_twin("room-1", []) == 'W/"2"'
    assert len(scripted.requests) == 2


async def test_a_limit_is_not_run_against_again(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["UpdateDigitalTwin"] = failing(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED", trailers=(("grpc-retry-pushback-ms", "-1"),)
    )
    with pytest.raises(twinfront.LimitReachedError):
        await scripted_client.update_digital_twin("room-1", [])
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNKNOWN, "OUTCOME_UNKNOWN"),
        (grpc.StatusCode.ABORTED, "ETAG_MISMATCH"),
    ],
)
async def test_a_write_that_may_have_been_applied_is_sent_once(
    scripted: ScriptedServer,
    scripted_client: AsyncTwinfrontClient,
    code: grpc.StatusCode,
    reason: str,
) -> None:
    scripted.answers["UpdateDigitalTwin"] = failing(code, reason)
    with pytest.raises(twinfront.TwinfrontError) as caught:
        await scripted_client.update_digital_twin("room-1", [])
    assert caught.value.reason == reason
    assert len(scripted.requests) == 1


async def test_a_read_that_the_server_ended_without_an_answer_is_sent_again(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    ended = failing(grpc.StatusCode.CANCELLED, message="CANCELLED")
    scripted.answers["GetDigitalTwin"] = lambda *call: ended(*call) if len(scripted.requests) < 3 else found(*call)
    assert (await scripted_client.get_digital_twin("room-1")).id == "room-1"
    assert len(scripted.requests) == 3


async def test_a_server_that_is_not_there_is_waited_for(connect: Connect) -> None:
    client = connect("127.0.0.1:1")
    with pytest.raises(twinfront.DeadlineExceededError):
        await client.get_digital_twin("room-1", timeout=0.2)


async def test_cancelling_the_task_cancels_the_call(scripted: ScriptedServer) -> None:
    started, gone = threading.Event(), threading.Event()

    def slow(_request: Any, context: grpc.ServicerContext) -> Message:
        context.add_callback(gone.set)
        started.set()
        gone.wait(30)
        return DeleteDigitalTwinResponse()

    scripted.answers["DeleteDigitalTwin"] = slow
    async with AsyncTwinfrontClient(scripted.target) as client:
        call = asyncio.create_task(client.delete_digital_twin("room-1"))
        await asyncio.to_thread(started.wait, 30)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        assert call.cancelled()
        assert await asyncio.to_thread(gone.wait, 30)
