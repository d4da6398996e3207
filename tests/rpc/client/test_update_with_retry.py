"""A read-modify-write is redone when another writer was faster."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

import twinfront
from twinfront import AsyncTwinfrontClient, DigitalTwin, Patch, patch
from twinfront._retry import pause
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinResponse, UpdateDigitalTwinResponse

from .scripted_server import Answer, ScriptedServer, failing


def count_up(twin: DigitalTwin) -> Patch:
    return patch().replace("/count", twin["count"] + 1)


class Counter:
    """A twin with a count, and others who raise it before each of the first writes."""

    def __init__(self, scripted: ScriptedServer, refuse: Answer, *, conflicts: int) -> None:
        self.count, self.version, self.conflicts = 0, 1, conflicts
        self.reads = 0
        self.refuse = refuse
        scripted.answers.update(GetDigitalTwin=self.get, UpdateDigitalTwin=self.update)

    def get(self, _request: Any, _context: grpc.ServicerContext) -> Message:
        self.reads += 1
        response = GetDigitalTwinResponse()
        twin = {"$etag": str(self.version), "count": self.count, "$metadata": {"$model": "dtmi:example:Counter;1"}}
        response.digital_twin.json = json.dumps(twin).encode()
        return response

    def update(self, request: Any, context: grpc.ServicerContext) -> Message:
        if self.conflicts:
            self.conflicts -= 1
            self.count, self.version = self.count + 10, self.version + 1
        if request.if_match != str(self.version):
            return self.refuse(request, context)
        self.count, self.version = int(request.patch[0].value_json), self.version + 1
        return UpdateDigitalTwinResponse(etag=str(self.version))


@pytest.fixture
def make_counter(scripted: ScriptedServer) -> Callable[..., Counter]:
    def make(conflicts: int, code: grpc.StatusCode = grpc.StatusCode.ABORTED, reason: str = "ETAG_MISMATCH") -> Counter:
        return Counter(scripted, failing(code, reason), conflicts=conflicts)

    return make


async def test_the_change_is_made_once_if_nobody_interferes(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    counter = make_counter(conflicts=0)
    assert await scripted_client.update_with_retry("c", count_up) == "2"
    assert (counter.count, counter.reads) == (1, 1)


async def test_the_change_is_redone_on_what_others_wrote(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    counter = make_counter(conflicts=2)
    assert await scripted_client.update_with_retry("c", count_up) == "4"
    assert (counter.count, counter.reads) == (21, 3)


async def test_the_last_conflict_is_raised(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    counter = make_counter(conflicts=9)
    with pytest.raises(twinfront.EtagMismatchError):
        await scripted_client.update_with_retry("c", count_up, attempts=3)
    assert counter.reads == 3


@pytest.mark.parametrize("reason", ["", "CONCURRENCY"])
async def test_an_aborted_call_that_is_no_etag_mismatch_is_not_redone(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter], reason: str
) -> None:
    """Proxies and transports make an ABORTED of a broken connection, and then the write may have been applied."""
    counter = make_counter(conflicts=1, reason=reason)
    with pytest.raises(twinfront.AbortedError):
        await scripted_client.update_with_retry("c", count_up)
    assert counter.reads == 1


async def test_an_etag_mismatch_of_another_code_is_not_redone(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    counter = make_counter(conflicts=1, code=grpc.StatusCode.FAILED_PRECONDITION)
    with pytest.raises(twinfront.FailedPreconditionError):
        await scripted_client.update_with_retry("c", count_up)
    assert counter.reads == 1


@pytest.mark.parametrize(
    "answer",
    [
        b'{"count": 1, "$metadata": {"$model": "dtmi:example:Counter;1"}}',
        b'{"$etag": "", "count": 1, "$metadata": {}}',
        b"",
        b"null",
        b"[]",
        b'{"$metadata": []}',
        b"\xff",
    ],
    ids=["no-etag", "empty-etag", "no-twin", "null", "a-list", "odd-metadata", "no-text"],
)
async def test_an_answer_without_twin_or_etag_fails_and_nothing_is_written(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, answer: bytes
) -> None:
    response = GetDigitalTwinResponse()
    response.digital_twin.json = answer
    scripted.answers["GetDigitalTwin"] = lambda *_: response
    with pytest.raises(twinfront.TwinfrontError, match="The answer to GetDigitalTwin is not what the contract says"):
        await scripted_client.update_with_retry("c", count_up)
    assert len(scripted.requests) == 1


async def test_a_change_to_the_twin_itself_is_no_patch(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    make_counter(conflicts=0)
    with pytest.raises(TypeError, match="return a patch instead"):
        await scripted_client.update_with_retry("c", lambda twin: twin.properties.update(count=9))
    assert len(scripted.requests) == 1


async def test_nothing_is_written_if_there_is_nothing_to_change(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    make_counter(conflicts=0)
    assert await scripted_client.update_with_retry("c", lambda _: None) == "1"
    assert len(scripted.requests) == 1


async def test_a_lost_answer_is_not_redone(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    counter = make_counter(conflicts=1, code=grpc.StatusCode.UNKNOWN, reason="OUTCOME_UNKNOWN")
    with pytest.raises(twinfront.OutcomeUnknownError):
        await scripted_client.update_with_retry("c", count_up)
    assert counter.reads == 1


async def test_what_the_change_raises_comes_out(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    make_counter(conflicts=0)
    with pytest.raises(KeyError, match="humidity"):
        await scripted_client.update_with_retry("c", lambda twin: patch().replace("/h", twin["humidity"]))


async def test_a_conflict_within_the_change_is_none_of_this_twin(
    scripted_client: AsyncTwinfrontClient, make_counter: Callable[..., Counter]
) -> None:
    counter = make_counter(conflicts=0)

    def change(_twin: DigitalTwin) -> Patch:
        raise twinfront.EtagMismatchError("Of another twin.", code=grpc.StatusCode.ABORTED)

    with pytest.raises(twinfront.EtagMismatchError, match="Of another twin"):
        await scripted_client.update_with_retry("c", change)
    assert counter.reads == 1


async def test_the_change_may_be_a_coroutine(scripted: ScriptedServer, make_counter: Callable[..., Counter]) -> None:
    counter = make_counter(conflicts=1)

    async def change(twin: DigitalTwin) -> Patch:
        return count_up(twin)

    async with AsyncTwinfrontClient(scripted.target) as client:
        await client.update_with_retry("c", change)
    assert counter.count == 11


async def test_there_is_at_least_one_attempt(scripted_client: AsyncTwinfrontClient) -> None:
    with pytest.raises(ValueError, match="attempts is 0, and has to be 1 at the least"):
        await scripted_client.update_with_retry("c", count_up, attempts=0)


def test_the_pauses_grow_to_a_bound() -> None:
    for attempt, bound in [(1, 0.05), (2, 0.1), (3, 0.2), (6, 1.6), (7, 2.0), (50, 2.0)]:
        assert all(0 <= pause(attempt) <= bound for _ in range(200))
    assert len({pause(3) for _ in range(20)}) > 1
