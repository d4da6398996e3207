"""Watching: what a watch tells, and how it goes on where its stream breaks."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from twinfront import (
    AsyncTwinfrontClient,
    Change,
    ChangeKind,
    ChangeLog,
    ChangeOrder,
    ChangesExpiredError,
    ChangesUnsupportedError,
    Checkpoint,
    InitialItem,
    InitialStateEnd,
    InvalidArgumentError,
    Reset,
    ResetReason,
    ResumeTokenInvalidError,
    Timestamp,
    TwinfrontError,
    UnavailableError,
    WatchItem,
    patch,
)
from twinfront._retry import ATTEMPTS
from twinfront.v1 import change_service_pb2 as rpcs
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON

from .awaited import Connect
from .scripted_changes import (
    BROKEN,
    DRAINING,
    MODEL,
    NOT_READ,
    TIME,
    Streams,
    changes,
    checkpoint,
    created,
    end_of_state,
    items,
    related,
    relationship,
    reset,
    twin,
    updated,
)
from .scripted_server import ScriptedServer, failing


async def read(client: AsyncTwinfrontClient, count: int, **how: Any) -> list[WatchItem]:
    """The first items of a watch, which is ended then."""
    watch = client.watch(**how)
    found = [await anext(watch) for _ in range(count)]
    await watch.aclose()
    return found


async def ids(client: AsyncTwinfrontClient, count: int, **how: Any) -> list[str]:
    return [item.id for item in await read(client, count, **how) if isinstance(item, Change)]


async def test_a_change_is_told_with_all_that_there_is_of_it(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    change = updated("c1", twin("a", 2, n=2), traceparent="00-1-2-01")
    change.time.nanos = 123_456_700
    scripted.answers["Watch"] = Streams((changes("t1", change),))
    (told,) = await read(scripted_client, 1)
    assert isinstance(told, Change)
    assert (told.id, told.kind, told.digital_twin_id, told.model_id) == ("c1", ChangeKind.TWIN_UPDATED, "a", MODEL)
    assert told.time == Timestamp("2026-06-01T07:30:00.1234567Z")
    assert told.patch == patch().replace("/n", 2)
    assert told.digital_twin is not None
    assert (told.digital_twin["n"], told.digital_twin.etag, told.etag) == (2, 'W/"2"', 'W/"2"')
    assert (told.traceparent, told.resume_token) == ("00-1-2-01", "t1")


async def test_every_kind_of_item_is_told(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> None:
    scripted.answers["Watch"] = Streams(
        (
            items("t1", twin("a"), relationship("a", "r", "b")),
            end_of_state("t2"),
            checkpoint("t3"),
            reset("t4", rpcs.Reset.REASON_BULK_JOB, "job-1"),
            changes("t5", related("c1", rpcs.CHANGE_KIND_RELATIONSHIP_DELETED, relationship("a", "r", "b"))),
        )
    )
    one, other, end, point, again, gone = await read(scripted_client, 6, initial_state="graph")
    assert isinstance(one, InitialItem)
    assert one.digital_twin is not None
    assert one.digital_twin.id == "a"
    assert isinstance(other, InitialItem)
    assert other.relationship is not None
    assert other.relationship.target_id == "b"
    assert isinstance(end, InitialStateEnd)
    assert point == Checkpoint(time=Timestamp(TIME), resume_token="t3")
    assert again == Reset(reason=ResetReason.BULK_JOB, job_id="job-1", resume_token="t4")
    assert isinstance(gone, Change)
    assert (gone.kind, gone.relationship_id) == (ChangeKind.RELATIONSHIP_DELETED, "r")


async def test_telemetry_and_models_are_told(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> None:
    telemetry = rpcs.Change(id="c1", kind=rpcs.CHANGE_KIND_TELEMETRY, telemetry_json=b'{"n": 1}')
    model = rpcs.Change(id="c2", kind=rpcs.CHANGE_KIND_MODEL_CREATED)
    model.model.json = b'{"id": "dtmi:example:Room;1"}'
    scripted.answers["Watch"] = Streams((changes("t1", telemetry, model),))
    one, other = await read(scripted_client, 2, kinds=["telemetry", ChangeKind.MODEL_CREATED])
    assert isinstance(one, Change)
    assert one.telemetry == {"n": 1}
    assert isinstance(other, Change)
    assert other.model is not None
    assert other.model.id == MODEL


async def test_what_is_newer_than_the_client_is_told_as_unknown_or_passed_over(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    change = rpcs.Change(id="c1", kind=99)  # type: ignore[arg-type]  # of a later version
    later = rpcs.WatchResponse(resume_token="t0")
    scripted.answers["Watch"] = Streams((later, changes("t1", change), reset("t2", 99)))
    one, other = await read(scripted_client, 2)
    assert isinstance(one, Change)
    assert one.kind is ChangeKind.UNKNOWN
    assert isinstance(other, Reset)
    assert other.reason is ResetReason.UNKNOWN


async def test_only_the_last_item_of_a_message_has_its_token(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    one, two, three = (created(f"c{number}", twin("a", number)) for number in (1, 2, 3))
    scripted.answers["Watch"] = Streams((changes("t1", one), changes("t2", two, three)))
    assert [item.resume_token for item in await read(scripted_client, 3)] == ["t1", "t1", "t2"]


async def test_the_request_has_all_that_was_asked_for(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = Streams((checkpoint("t1"),))
    await read(
        scripted_client,
        1,
        initial_state="graph",
        on_expired="resync",
        digital_twin_ids=["a"],
        digital_twin_id_prefixes=["b-"],
        model_ids=[MODEL],
        kinds=["twin_created"],
        paths=["/n"],
        relationship_names=["contains"],
        content="after",
        checkpoint_interval=timedelta(seconds=1.5),
    )
    expected = rpcs.WatchRequest(
        initial_state=rpcs.INITIAL_STATE_GRAPH,
        on_expired=rpcs.ON_EXPIRED_RESYNC,
        filter=rpcs.ChangeFilter(
            digital_twin_ids=["a"],
            digital_twin_id_prefixes=["b-"],
            model_ids=[MODEL],
            kinds=[rpcs.CHANGE_KIND_TWIN_CREATED],
            paths=["/n"],
            relationship_names=["contains"],
        ),
        content=rpcs.CHANGE_CONTENT_AFTER,
        representation=REPRESENTATION_JSON,
    )
    expected.checkpoint_interval.FromMilliseconds(1500)
    assert scripted.requests == [expected]


@pytest.mark.parametrize(
    "start", [datetime(2026, 6, 1, 7, 30, tzinfo=UTC), Timestamp(TIME), TIME, "2026-06-01T09:30:00+02:00"]
)
async def test_a_time_to_begin_at_is_given_in_any_form(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, start: Any
) -> None:
    scripted.answers["Watch"] = Streams((checkpoint("t1"),))
    await read(scripted_client, 1, start_time=start)
    assert scripted.requests[0].start_time.ToJsonString() == "2026-06-01T07:30:00Z"


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"initial_state": "all"}, ValueError, "initial_state is 'all', and not one of 'none', 'twins', 'graph'"),
        ({"on_expired": "ignore"}, ValueError, "on_expired is 'ignore'"),
        ({"content": "before"}, ValueError, "content is 'before'"),
        ({"kinds": ["twin_moved"]}, ValueError, "'twin_moved' is no kind of change"),
        ({"kinds": [ChangeKind.UNKNOWN]}, ValueError, "no kind of change"),
        ({"model_ids": MODEL}, TypeError, "model_ids is a list"),
        ({"kinds": "telemetry"}, TypeError, "kinds is a list"),
        ({"start_time": "yesterday"}, ValueError, "yesterday"),
        ({"start_time": datetime(2026, 6, 1)}, ValueError, "time zone"),  # noqa: DTZ001  (that is the point)
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_sent(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, how: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        scripted_client.watch(**how)
    assert scripted.requests == []


@pytest.mark.parametrize("ends", [DRAINING, NOT_READ, BROKEN, None])
async def test_a_watch_goes_on_behind_the_last_message_wherever_its_stream_ends(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, ends: Any
) -> None:
    streams = [
        (changes(f"t{number}", created(f"c{number}", twin("a", number))), *([ends] if ends else []))
        for number in range(ATTEMPTS + 2)
    ]
    scripted.answers["Watch"] = Streams(*streams)
    assert await ids(scripted_client, len(streams), digital_twin_ids=["a"]) == [f"c{n}" for n in range(len(streams))]
    assert [request.resume_token for request in scripted.requests] == ["", *(f"t{n}" for n in range(len(streams) - 1))]
    assert all(request.filter.digital_twin_ids == ["a"] for request in scripted.requests)


async def test_a_watch_that_goes_on_does_not_begin_at_its_time_again(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = Streams((checkpoint("t1"),), (checkpoint("t2"),))
    await read(scripted_client, 2, start_time=TIME)
    assert [request.HasField("start_time") for request in scripted.requests] == [True, False]


async def test_a_watch_begins_at_the_token_that_is_given(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = Streams((BROKEN,), (checkpoint("t2"),))
    watch = scripted_client.watch(resume_token="t1")
    assert watch.resume_token == "t1"
    await anext(watch)
    assert watch.resume_token == "t2"
    await watch.aclose()
    assert [request.resume_token for request in scripted.requests] == ["t1", "t1"]


async def test_a_change_that_comes_again_after_a_break_is_told_once(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    one, two, three = (created(f"c{number}", twin("a", number)) for number in (1, 2, 3))
    scripted.answers["Watch"] = Streams((changes("t1", one, two), BROKEN), (changes("t2", two, three),))
    assert await ids(scripted_client, 3) == ["c1", "c2", "c3"]


async def test_behind_a_reset_a_change_is_told_again_as_the_state_may_be_from_before_it(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    one = updated("c1", twin("a", 2))
    stream = (changes("t1", one), reset("t2"), items("t3", twin("a", 1)), end_of_state("t4"), changes("t5", one))
    scripted.answers["Watch"] = Streams(stream)
    told = await read(scripted_client, 5, initial_state="twins", on_expired="resync")
    assert isinstance(told[-1], Change)


async def test_a_watch_that_brings_nothing_is_given_up(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = Streams(*[()] * 10)
    with pytest.raises(UnavailableError, match="ended Watch without a message"):
        await read(scripted_client, 1)
    assert len(scripted.requests) == ATTEMPTS


async def test_a_watch_that_is_led_nowhere_is_given_up(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = Streams((checkpoint("t1"), BROKEN), *[(checkpoint("t1"), BROKEN)] * 10)
    with pytest.raises(UnavailableError):
        await read(scripted_client, 20)


async def test_a_message_without_a_token_is_an_answer_that_cannot_be_read(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = Streams((checkpoint(""),))
    with pytest.raises(TwinfrontError, match="a message has no resume_token"):
        await read(scripted_client, 1)


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (grpc.StatusCode.OUT_OF_RANGE, "CHANGES_EXPIRED", ChangesExpiredError),
        (grpc.StatusCode.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID", ResumeTokenInvalidError),
        (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", InvalidArgumentError),
        (grpc.StatusCode.UNIMPLEMENTED, "CHANGES_UNSUPPORTED", ChangesUnsupportedError),
    ],
)
async def test_a_watch_that_cannot_go_on_says_why(
    scripted: ScriptedServer,
    scripted_client: AsyncTwinfrontClient,
    code: grpc.StatusCode,
    reason: str,
    error: type[TwinfrontError],
) -> None:
    scripted.answers["Watch"] = failing(code, reason, metadata={"oldest_time": TIME})
    with pytest.raises(error) as raised:
        await read(scripted_client, 1, resume_token="t1")
    assert len(scripted.requests) == 1
    if isinstance(raised.value, ChangesExpiredError):
        assert raised.value.oldest_time == TIME


async def test_without_retry_a_watch_ends_with_its_stream(scripted: ScriptedServer, connect: Connect) -> None:
    scripted.answers["Watch"] = Streams((checkpoint("t1"),))
    watch = connect(scripted.target, retry=False).watch()
    assert [item.resume_token async for item in watch] == ["t1"]


async def test_closing_a_watch_ends_the_loop_that_waits_for_it(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = Streams((checkpoint("t1"),))
    watch = scripted_client.watch()
    told: list[WatchItem] = []

    async def loop() -> None:
        told.extend([item async for item in watch])

    reading = asyncio.create_task(loop())
    while not watch.resume_token:
        await asyncio.sleep(0.01)
    await watch.aclose()
    await asyncio.wait_for(reading, 5)
    assert [item.resume_token for item in told] == ["t1"]


async def test_closing_a_watch_ends_its_pause_between_two_attempts(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["Watch"] = failing(grpc.StatusCode.UNAVAILABLE, trailers=(("grpc-retry-pushback-ms", "50000"),))
    watch = scripted_client.watch()
    reading = asyncio.ensure_future(anext(watch))
    while not scripted.requests:
        await asyncio.sleep(0.01)
    await watch.aclose()
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(reading, 5)


async def test_the_extent_of_the_log_is_told(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> None:
    def answer(_request: Any, _context: grpc.ServicerContext) -> rpcs.GetChangeLogResponse:
        response = rpcs.GetChangeLogResponse(
            order=rpcs.GetChangeLogResponse.ORDER_TOTAL, newest_token="new", oldest_token="old"
        )
        response.newest_time.FromJsonString(TIME)
        return response

    scripted.answers["GetChangeLog"] = answer
    told = await scripted_client.get_change_log(timeout=5)
    expected = ChangeLog(
        order=ChangeOrder.TOTAL, newest_token="new", oldest_token="old", newest_time=Timestamp(TIME), oldest_time=None
    )
    assert told == expected
