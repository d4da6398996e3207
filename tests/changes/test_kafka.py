"""A Kafka topic as a source of changes, at a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.changes.events import ROOM, structured, updated
from tests.changes.kafka_broker import CLUSTER_ID, Broker

from twinfront_program.kafka_url import KafkaUrl
from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes import followed_log
from twinfront_server.upstream.changes.followed_log import FollowedLog
from twinfront_server.upstream.changes.kafka import KafkaLog
from twinfront_server.upstream.changes.source import Change, ChangesLostError, Kind, Order, Position

Follow = Callable[..., FollowedLog]
AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def follow(broker: Broker) -> AsyncIterator[Follow]:
    followed: list[FollowedLog] = []

    def begin(topic: str, address: str = "", user: str = "") -> FollowedLog:
        followed.append(FollowedLog(KafkaLog(KafkaUrl.parse(f"kafka://{user}{address or broker.address}/{topic}"))))
        return followed[-1]

    yield begin
    for each in followed:
        await each.close()


async def send(broker: Broker, topic: str, *twin_ids: str, partition: int | None = None, **options: object) -> None:
    async with broker.producer(**options) as producer:
        for twin_id in twin_ids:
            properties, body = updated(twin_id, 1)
            headers = [(name, value.encode()) for name, value in properties.items()]
            await producer.send_and_wait(topic, body, twin_id.encode(), partition, headers=headers)


async def read_until(followed: FollowedLog, after: Position, number: int) -> tuple[list[Change], Position]:
    """Reads so many changes, and what is there beyond them."""
    seen: list[Change] = []
    async with asyncio.timeout(30):
        while True:
            batch = await followed.read(after, 100)
            seen, after = [*seen, *batch.changes], batch.position
            if len(seen) >= number:
                return seen, after
            await followed.wait(after, 30)


async def test_events_of_all_partitions_are_read_those_of_each_in_order(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic(3)
    await send(broker, topic, *(f"room-{number % 7}" for number in range(50)))
    seen, position = await read_until(follow(topic), {}, 50)
    for name in {change.partition for change in seen}:
        numbers = [change.sequence for change in seen if change.partition == name]
        assert numbers == list(range(len(numbers)))
    assert sorted(position) == ["0", "1", "2"]
    assert {change.digital_twin_id for change in seen} == {f"room-{number}" for number in range(7)}
    assert follow(topic).order is Order.PARTITION


async def test_a_change_comes_while_somebody_waits_for_it(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    followed = follow(topic)
    position = (await followed.extent()).newest
    assert (await followed.read(position, 5)).changes == []
    waiting = asyncio.create_task(followed.wait(position, 30))
    await send(broker, topic, "room")
    await waiting
    seen, _ = await read_until(followed, position, 1)
    assert (seen[0].kind, seen[0].digital_twin_id, seen[0].model_id) == (Kind.TWIN_UPDATED, "room", ROOM)


async def test_events_in_structured_mode_are_read_too(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    event = structured("Microsoft.DigitalTwins.Twin.Delete", "room", {"$dtId": "room", "$metadata": {"$model": ROOM}})
    async with broker.producer() as producer:
        await producer.send_and_wait(topic, b"something else")
        await producer.send_and_wait(topic, event, headers=[("content-type", b"application/cloudevents+json")])
    seen, position = await read_until(follow(topic), {}, 1)
    assert [change.kind for change in seen] == [Kind.TWIN_DELETED]
    assert position == {"0": 1}


async def test_the_extent_of_a_topic_is_that_of_its_partitions(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic(2)
    followed = follow(topic)
    extent = await followed.extent()
    assert (extent.oldest, extent.newest) == ({"0": -1, "1": -1}, {"0": -1, "1": -1})
    assert (extent.oldest_time, extent.newest_time) == (None, None)
    await send(broker, topic, "a", "b", "c", partition=0)
    await read_until(followed, {}, 3)
    extent = await followed.extent()
    assert (extent.oldest, extent.newest) == ({"0": -1, "1": -1}, {"0": 2, "1": -1})
    assert extent.oldest_time == extent.newest_time == datetime(2026, 6, 1, 7, 30, 12, 407135, UTC)


async def test_a_time_leads_to_the_first_change_after_it(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic(2)
    await send(broker, topic, "a", "b", partition=0)
    await asyncio.sleep(0.05)
    between = datetime.now(UTC)
    await send(broker, topic, "c", "d", partition=0)
    followed = follow(topic)
    assert await followed.at_time(AGES_AGO) == {"0": -1, "1": -1}
    assert await followed.at_time(between) == {"0": 1, "1": -1}
    assert await followed.at_time(datetime.now(UTC) + timedelta(hours=1)) == {"0": 3, "1": -1}
    seen, _ = await read_until(followed, await followed.at_time(between), 2)
    assert [change.digital_twin_id for change in seen] == ["c", "d"]


@pytest.mark.parametrize("milliseconds", [-1, 0, 2**62, 2**63 - 1])
async def test_a_time_that_a_producer_made_up_holds_nobody_up(
    broker: Broker, follow: Follow, milliseconds: int
) -> None:
    topic = await broker.topic()
    await broker.take_any_time(topic)
    async with broker.producer() as producer:
        await producer.send_and_wait(topic, b"{}", timestamp_ms=milliseconds)
    await send(broker, topic, "a")
    followed = follow(topic)
    seen, position = await read_until(followed, {}, 1)
    assert [change.digital_twin_id for change in seen] == ["a"]
    assert position == {"0": 1}
    assert (await followed.extent()).newest == {"0": 1}


async def test_what_the_broker_has_trimmed_is_lost(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    await send(broker, topic, "a", "b", "c", "d")
    await broker.trim(topic, before=2)
    followed = follow(topic)
    with pytest.raises(ChangesLostError) as lost:
        await followed.read({"0": 0}, 5)
    assert lost.value.trimmed
    assert lost.value.oldest_time is not None
    with pytest.raises(ChangesLostError):
        await followed.at_time(AGES_AGO)
    seen, _ = await read_until(followed, (await followed.extent()).oldest, 2)
    assert [change.digital_twin_id for change in seen] == ["c", "d"]


async def test_changes_of_long_ago_are_caught_up_with(
    broker: Broker, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_log, "WARM", 10)
    topic = await broker.topic(2)
    await send(broker, topic, *(f"room-{number}" for number in range(100)))
    followed = follow(topic)
    position: Position = {}
    seen: list[str] = []
    while (batch := await followed.read(position, 8)).changes or batch.position != position:
        seen += [change.digital_twin_id for change in batch.changes]
        position = batch.position
    assert sorted(seen) == sorted(f"room-{number}" for number in range(100))


async def test_a_transaction_that_was_aborted_is_not_told(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    properties, body = updated("room", 1)
    headers = [(name, value.encode()) for name, value in properties.items()]
    async with broker.producer(transactional_id="one") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, body, headers=headers)
        await producer.abort_transaction()
    await send(broker, topic, "told")
    seen, _ = await read_until(follow(topic), {}, 1)
    assert [change.digital_twin_id for change in seen] == ["told"]


async def test_the_end_of_a_transaction_holds_nobody_up(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    properties, body = updated("room", 1)
    headers = [(name, value.encode()) for name, value in properties.items()]
    async with broker.producer(transactional_id="two") as producer, producer.transaction():
        await producer.send_and_wait(topic, body, headers=headers)
    followed = follow(topic)
    _, position = await read_until(followed, {}, 1)
    assert (await followed.read({"0": 1}, 5)).changes == []
    assert position == {"0": 1}


async def test_a_new_partition_is_found(broker: Broker, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followed_log, "_LOOK_SECONDS", 0.1)
    topic = await broker.topic()
    followed = follow(topic)
    position = (await followed.read({}, 5)).position
    await broker.add_partitions(topic, 2)
    await send(broker, topic, "room", partition=1)
    seen, _ = await read_until(followed, position, 1)
    assert (seen[0].partition, seen[0].sequence) == ("1", 0)


async def test_a_broker_that_is_killed_and_comes_back_loses_nothing(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    followed = follow(topic)
    await send(broker, topic, "before")
    _, position = await read_until(followed, {}, 1)
    broker.kill()
    broker.start()
    await send(broker, topic, "after")
    seen, _ = await read_until(followed, position, 1)
    assert [change.digital_twin_id for change in seen] == ["after"]


async def test_a_log_is_known_by_its_cluster_and_topic(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    assert await follow(topic).log_id() == f"kafka:{CLUSTER_ID}/{topic}"


async def test_a_topic_that_is_not_there_is_told_at_once(follow: Follow) -> None:
    with pytest.raises(TwinfrontError, match="does not have the topic") as caught:
        await asyncio.wait_for(follow("nowhere").read({}, 5), 10)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE


async def test_a_broker_that_is_not_there_is_told(follow: Follow) -> None:
    with pytest.raises(TwinfrontError, match="cannot be reached") as caught:
        await asyncio.wait_for(follow("twins", "127.0.0.1:1").read({}, 5), 20)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE


async def test_a_broker_that_wants_a_password_is_given_it(broker: Broker, follow: Follow) -> None:
    topic = await broker.topic()
    await send(broker, topic, "room")
    secured = f"127.0.0.1:{broker.sasl_port}"
    seen, _ = await read_until(follow(topic, secured, "front:a%20secret@"), {}, 1)
    assert [change.digital_twin_id for change in seen] == ["room"]


@pytest.mark.parametrize("user", ["front:wrong@", "nobody:a%20secret@"])
async def test_a_password_that_is_wrong_is_told(broker: Broker, follow: Follow, user: str) -> None:
    topic = await broker.topic()
    with pytest.raises(TwinfrontError, match="does not let this server in") as caught:
        await asyncio.wait_for(follow(topic, f"127.0.0.1:{broker.sasl_port}", user).read({}, 5), 20)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
