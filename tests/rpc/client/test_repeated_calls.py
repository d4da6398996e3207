"""What the client sends again: what was not done, and what a server knows by its `request_id`."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

import twinfront
from twinfront import AsyncTwinfrontClient, CallInfo, Patch, UnavailableError, patch
from twinfront._retry import ATTEMPTS
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import (
    BatchWriteDigitalTwinsResponse,
    GetDigitalTwinResponse,
    UpdateDigitalTwinResponse,
)

from .awaited import Connect
from .scripted_server import Answer, ScriptedServer, failing

draining = failing(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
outage = failing(grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
lost = failing(grpc.StatusCode.UNAVAILABLE)
"""What the client sees when a connection breaks: a status that no server gave a reason to."""


def found(_request: Any, _context: grpc.ServicerContext) -> Message:
    return GetDigitalTwinResponse(digital_twin=DigitalTwin(json=b'{"$dtId":"room-1","$etag":"1"}'))


def updated(_request: Any, _context: grpc.ServicerContext) -> Message:
    return UpdateDigitalTwinResponse(etag='W/"2"')


def in_turn(*answers: Answer) -> Answer:
    """Gives each answer once, and the last one for ever."""
    remaining = list(answers)

    def answer(request: Any, context: grpc.ServicerContext) -> Message:
        return (remaining.pop(0) if len(remaining) > 1 else remaining[0])(request, context)

    return answer


@pytest.mark.parametrize("refused", [draining, outage])
async def test_a_write_that_changed_nothing_is_sent_again(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, refused: Answer
) -> None:
    scripted.answers["UpdateDigitalTwin"] = in_turn(refused, refused, updated)
    assert await scripted_client.update_digital_twin("room-1", []) == 'W/"2"'
    assert len(scripted.requests) == 3


async def test_a_read_goes_past_servers_that_drain(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["GetDigitalTwin"] = in_turn(*[draining] * 7, found)
    assert (await scripted_client.get_digital_twin("room-1")).id == "room-1"
    assert len(scripted.requests) == 8


async def test_an_outage_behind_the_server_is_told_after_some_attempts(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["UpdateDigitalTwin"] = outage
    with pytest.raises(UnavailableError) as caught:
        await scripted_client.update_digital_twin("room-1", [])
    assert (caught.value.reason, caught.value.attempts) == ("UPSTREAM_UNAVAILABLE", ATTEMPTS)
    assert len(scripted.requests) == ATTEMPTS


async def test_a_lost_answer_is_asked_for_with_the_same_request_id(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["UpdateDigitalTwin"] = in_turn(lost, lost, updated)
    assert await scripted_client.update_digital_twin("room-1", []) == 'W/"2"'
    ids = [request.request_id for request in scripted.requests]
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert ids[0]


async def test_each_write_has_a_request_id_of_its_own(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["UpdateDigitalTwin"] = updated
    await scripted_client.update_digital_twin("room-1", [])
    await scripted_client.update_digital_twin("room-1", [])
    await scripted_client.update_digital_twin("room-1", [], request_id="mine")
    first, second, third = (request.request_id for request in scripted.requests)
    assert first != second
    assert third == "mine"


async def test_a_refusal_after_a_lost_answer_may_be_due_to_the_first_attempt(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    mismatch = failing(grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    scripted.answers["UpdateDigitalTwin"] = in_turn(lost, mismatch)
    with pytest.raises(UnavailableError) as caught:
        await scripted_client.update_digital_twin("room-1", [], if_match='W/"1"')
    assert (caught.value.reason, caught.value.attempts) == ("", 2)
    assert isinstance(caught.value.__cause__, grpc.RpcError)


async def test_a_refusal_that_a_server_remembers_is_the_first_attempts_own(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    mismatch = failing(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", trailers=(("twinfront-replayed", "true"),))
    scripted.answers["UpdateDigitalTwin"] = in_turn(lost, mismatch)
    with pytest.raises(twinfront.EtagMismatchError) as caught:
        await scripted_client.update_digital_twin("room-1", [], if_match='W/"1"')
    assert caught.value.attempts == 2


async def test_update_with_retry_changes_nothing_twice_after_a_lost_answer(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["GetDigitalTwin"] = found
    scripted.answers["UpdateDigitalTwin"] = in_turn(lost, failing(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"), updated)
    changed = 0

    def change(_twin: object) -> Patch:
        nonlocal changed
        changed += 1
        return patch()

    with pytest.raises(UnavailableError):
        await scripted_client.update_with_retry("room-1", change)
    assert changed == 1


@pytest.mark.parametrize(
    "steps", [patch().add("/readings/-", 1), patch().add("/readings/0", 1), patch().remove("/readings/3")], ids=str
)
async def test_a_patch_that_moves_elements_of_an_array_is_not_sent_again_after_a_lost_answer(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, steps: Patch
) -> None:
    scripted.answers["UpdateDigitalTwin"] = in_turn(lost, updated)
    with pytest.raises(UnavailableError):
        await scripted_client.update_digital_twin("room-1", steps)
    assert len(scripted.requests) == 1


async def test_a_batch_is_not_sent_again_after_a_lost_answer(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["BatchWriteDigitalTwins"] = in_turn(lost, lambda *_: BatchWriteDigitalTwinsResponse())
    with pytest.raises(UnavailableError):
        await scripted_client.batch_write_digital_twins([twinfront.Delete("room-1")])
    assert len(scripted.requests) == 1


async def test_a_batch_that_was_not_begun_is_sent_again(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["BatchWriteDigitalTwins"] = in_turn(draining, lambda *_: BatchWriteDigitalTwinsResponse())
    assert await scripted_client.batch_write_digital_twins([]) == []


@pytest.mark.parametrize("refused", [draining, outage, lost])
async def test_a_client_that_is_told_not_to_sends_each_call_once(
    scripted: ScriptedServer, connect: Connect, refused: Answer
) -> None:
    scripted.answers["UpdateDigitalTwin"] = scripted.answers["GetDigitalTwin"] = refused
    client = connect(scripted.target, retry=False)
    with pytest.raises(UnavailableError):
        await client.update_digital_twin("room-1", [])
    with pytest.raises(UnavailableError):
        await client.get_digital_twin("room-1")
    assert len(scripted.requests) == 2
    assert scripted.requests[0].request_id == ""


async def test_the_deadline_holds_for_all_attempts_together(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["UpdateDigitalTwin"] = draining
    with pytest.raises(UnavailableError) as caught:
        await scripted_client.update_digital_twin("room-1", [], timeout=1.5)
    assert caught.value.reason == "SERVER_DRAINING"
    assert caught.value.attempts == len(scripted.requests) > 1
    assert scripted.time_left[-1] < scripted.time_left[0] - 0.05


async def test_each_attempt_reports_its_figures(scripted: ScriptedServer, connect: Connect) -> None:
    scripted.answers["UpdateDigitalTwin"] = in_turn(draining, updated)
    calls: list[CallInfo] = []
    await connect(scripted.target, on_call=calls.append).update_digital_twin("room-1", [])
    assert [(call.attempt, call.code) for call in calls] == [
        (1, grpc.StatusCode.UNAVAILABLE),
        (2, grpc.StatusCode.OK),
    ]


async def test_a_server_that_never_answered_is_not_waited_for(connect: Connect) -> None:
    with pytest.raises(UnavailableError) as caught:
        await connect("127.0.0.1:1").update_digital_twin("room-1", [], timeout=20)
    assert caught.value.attempts == 1


async def test_a_server_that_is_not_there_yet_can_be_waited_for(
    make_scripted: Callable[..., ScriptedServer], connect: Connect
) -> None:
    gone = make_scripted()
    gone.stop()
    client = connect(gone.target, wait_for_ready=True)
    write = asyncio.create_task(client.update_digital_twin("room-1", [], timeout=30))
    await asyncio.sleep(0.3)
    assert not write.done()
    late = make_scripted(port=int(gone.target.rpartition(":")[2]))
    late.answers["UpdateDigitalTwin"] = updated
    assert await write == 'W/"2"'


async def test_a_server_that_comes_back_is_found_again(
    make_scripted: Callable[..., ScriptedServer], connect: Connect
) -> None:
    first = make_scripted()
    first.answers["UpdateDigitalTwin"] = updated
    client = connect(first.target)
    await client.update_digital_twin("room-1", [])
    first.stop()
    write = asyncio.create_task(client.update_digital_twin("room-1", [], timeout=30))
    await asyncio.sleep(0.3)
    assert not write.done()
    second = make_scripted(port=int(first.target.rpartition(":")[2]))
    second.answers["UpdateDigitalTwin"] = updated
    assert await write == 'W/"2"'
