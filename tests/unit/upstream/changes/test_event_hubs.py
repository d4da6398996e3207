"""An Event Hub as a source of changes, over a hub in memory that has the client's events and limits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError, EventHubError
from tests.changes.event_hub import BEGIN, Client, Hub, event_data
from tests.changes.events import ROOM, structured, updated
from tests.clock import Clock

from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes import event_hubs, followed_log
from twinfront_server.upstream.changes.event_hubs import EventHubLog, error_of
from twinfront_server.upstream.changes.followed_log import FollowedLog
from twinfront_server.upstream.changes.source import ChangesLostError, Kind, Order, Position

NAME = "twins.servicebus.windows.net/twins"

Follow = Callable[[Hub], FollowedLog]


@pytest.fixture
async def follow() -> AsyncIterator[Follow]:
    followed: list[FollowedLog] = []

    def begin(hub: Hub) -> FollowedLog:
        followed.append(FollowedLog(EventHubLog(NAME, hub.connect)))
        return followed[-1]

    yield begin
    for each in followed:
        await each.close()


def filled(number: int, *partitions: str) -> Hub:
    hub = Hub(*partitions)
    for index in range(number):
        hub.add(*updated(f"room-{index}", index))
    return hub


async def read_all(followed: FollowedLog, after: Position, limit: int = 50) -> tuple[list[int], Position]:
    seen, position = [], after
    while (batch := await followed.read(position, limit)).changes or batch.position != position:
        seen += [change.sequence for change in batch.changes]
        position = batch.position
    return seen, position


async def test_events_are_read_as_the_client_gives_them(follow: Follow) -> None:
    hub = filled(1)
    (change,) = (await follow(hub).read({}, 5)).changes
    assert (change.partition, change.sequence, change.kind) == ("0", 0, Kind.TWIN_UPDATED)
    assert (change.digital_twin_id, change.model_id, change.time) == ("room-0", ROOM, "2026-06-01T07:30:12.4071355Z")


async def test_an_event_in_structured_mode_is_known_by_its_content_type(follow: Follow) -> None:
    hub = Hub()
    twin = {"$dtId": "room", "$metadata": {"$model": ROOM}}
    body = structured("Microsoft.DigitalTwins.Twin.Create", "room", twin)
    hub.events["0"].append(event_data(0, BEGIN, {}, body, "application/cloudevents+json"))
    (change,) = (await follow(hub).read({}, 5)).changes
    assert (change.kind, change.digital_twin_id) == (Kind.TWIN_CREATED, "room")


async def test_all_partitions_are_read_from_their_beginning_to_their_end(follow: Follow) -> None:
    hub = filled(30, "0", "1")
    hub.add(*updated("other", 1), partition="1")
    followed = follow(hub)
    seen, position = await read_all(followed, {}, 7)
    assert sorted(seen) == [0, *range(30)]
    assert position == {"0": 29, "1": 0}
    assert followed.order is Order.PARTITION


async def test_a_change_comes_while_somebody_waits_for_it(follow: Follow) -> None:
    hub = filled(3)
    followed = follow(hub)
    _, position = await read_all(followed, {})
    waiting = asyncio.create_task(followed.wait(position, 30))
    await asyncio.sleep(0)
    hub.add(*updated("room", 1))
    await waiting
    assert (await read_all(followed, position))[0] == [3]


async def test_a_hub_is_known_by_its_name_and_when_it_was_made(follow: Follow) -> None:
    hub = Hub()
    assert await follow(hub).log_id() == f"eventhub:{NAME}@2026-05-01T00:00:00+00:00"


async def test_the_extent_is_that_of_the_partitions(follow: Follow) -> None:
    hub = filled(5, "0", "1")
    hub.trim(2)
    extent = await follow(hub).extent()
    assert (extent.oldest, extent.newest) == ({"0": 1, "1": -1}, {"0": 4, "1": -1})
    assert extent.oldest_time == BEGIN + timedelta(seconds=2, milliseconds=1)
    assert extent.newest_time == datetime(2026, 6, 1, 7, 30, 12, 407135, UTC)


async def test_a_hub_of_which_all_is_trimmed_ends_where_it_ended(follow: Follow) -> None:
    hub = filled(5)
    hub.trim(5)
    followed = follow(hub)
    assert (await followed.extent()).newest == {"0": 4}
    hub.add(*updated("room", 1))
    await followed.wait({"0": 4}, 5)
    assert (await read_all(followed, {"0": 4}))[0] == [5]


async def test_a_time_leads_to_the_first_event_after_it(follow: Follow) -> None:
    hub = filled(5, "0", "1", "2")
    hub.add(*updated("room", 1), partition="1")
    followed = follow(hub)
    assert await followed.at_time(BEGIN) == {"0": -1, "1": -1, "2": -1}
    assert await followed.at_time(BEGIN + timedelta(seconds=2.5)) == {"0": 2, "1": 0, "2": -1}
    assert await followed.at_time(BEGIN + timedelta(days=1)) == {"0": 4, "1": 0, "2": -1}


async def test_what_the_hub_has_trimmed_is_lost(follow: Follow) -> None:
    hub = filled(9)
    hub.trim(4)
    followed = follow(hub)
    with pytest.raises(ChangesLostError) as lost:
        await followed.read({"0": 1}, 5)
    assert lost.value.oldest_time == BEGIN + timedelta(seconds=4, milliseconds=1)
    with pytest.raises(ChangesLostError):
        await followed.at_time(BEGIN)
    assert await followed.at_time(BEGIN + timedelta(seconds=5)) == {"0": 4}


async def test_an_expired_place_at_which_the_hub_begins_with_what_it_has_is_lost(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub does not refuse such a place: its events begin later."""
    monkeypatch.setattr(followed_log, "WARM", 3)
    hub = filled(40)
    followed = follow(hub)
    batch = await followed.read({}, 5)
    hub.trim(30)
    with pytest.raises(ChangesLostError):
        await read_all(followed, {"0": batch.position["0"] + 1})


async def test_a_hub_that_is_compacted_leaves_numbers_out_and_loses_nothing(follow: Follow) -> None:
    hub = filled(2)
    hub.add(*updated("room", 1), sequence=7)
    hub.add(*updated("room", 2), sequence=9)
    assert (await read_all(follow(hub), {}))[0] == [0, 1, 7, 9]


async def test_many_who_catch_up_stay_within_the_readers_that_a_hub_allows(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_log, "WARM", 3)
    hub = filled(60)
    followed = follow(hub)

    async def watched(after: int) -> list[int]:
        return (await read_all(followed, {"0": after}, 10))[0]

    results = await asyncio.gather(*(watched(after) for after in range(12)))
    assert results == [list(range(after + 1, 60)) for after in range(12)]
    assert hub.most_readers <= 3


async def test_the_end_leaves_no_link_and_no_client_open() -> None:
    hub = filled(60, "0", "1")
    closed = asyncio.Event()

    async def close() -> None:
        closed.set()

    followed = FollowedLog(EventHubLog(NAME, hub.connect, close))
    await read_all(followed, {})
    await followed.at_time(BEGIN)
    await followed.close()
    assert hub.readers == {"0": 0, "1": 0}
    assert all(client.is_closed for client in hub.clients)
    assert closed.is_set()


def condition(error: EventHubError, name: str) -> EventHubError:
    error.error = name
    return error


@pytest.mark.parametrize(
    ("error", "reason", "text"),
    [
        (AuthenticationError("no"), Reason.UPSTREAM_CREDENTIALS_REJECTED, "rejects"),
        (ClientAuthenticationError("unauthorized"), Reason.UPSTREAM_CREDENTIALS_REJECTED, "rejects"),
        (condition(EventHubError("busy"), "server-busy"), Reason.UPSTREAM_THROTTLED, "throttles"),
        (condition(ConnectError("x"), "resource-limit-exceeded"), Reason.UPSTREAM_UNAVAILABLE, "as many readers"),
        (condition(ConnectionLostError("x"), "link:stolen"), Reason.UPSTREAM_UNAVAILABLE, "taken this one's place"),
        (condition(ConnectError("x"), "not-found"), Reason.UPSTREAM_UNAVAILABLE, "does not have"),
        (ConnectionLostError("gone"), Reason.UPSTREAM_UNAVAILABLE, "cannot be reached"),
        (OSError("unreachable"), Reason.UPSTREAM_UNAVAILABLE, "cannot be reached"),
    ],
)
async def test_what_goes_wrong_is_typed_and_ends_when_it_is_over(
    follow: Follow, clock: Clock, error: Exception, reason: Reason, text: str
) -> None:
    hub = filled(2)
    followed = follow(hub)
    _, position = await read_all(followed, {})
    hub.fail(error)
    waiting = asyncio.create_task(followed.wait(position, 600))
    await asyncio.sleep(0.01)
    await clock.advance(followed_log._BRIDGED_SECONDS + 1)
    await waiting
    with pytest.raises(TwinfrontError, match=text) as caught:
        await followed.read(position, 5)
    assert caught.value.reason is reason
    hub.fail(None)
    hub.add(*updated("room", 1))
    await clock.advance(10)
    assert (await read_all(followed, position))[0] == [2]


async def test_a_link_that_says_nothing_for_long_is_told_of(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(*_: object, **__: object) -> None:
        """Calls nobody, for ever."""
        await asyncio.Event().wait()

    hub = filled(1)
    monkeypatch.setattr(Client, "receive_batch", deaf)
    reader = await EventHubLog(NAME, hub.connect).open({"0": 0})
    assert (await reader.read(5, 0)).entries == []
    await clock.advance(event_hubs._STALE_SECONDS + 1)
    with pytest.raises(TwinfrontError, match="does not answer"):
        await reader.read(5, 0)
    await reader.close()


def test_an_error_keeps_what_the_client_said_for_the_log() -> None:
    said = ConnectError("the name is not known")
    assert error_of(said).__cause__ is said
