"""Event routes of localtwins that deliver to a topic, at a real broker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from tests.changes.kafka_broker import Broker
from tests.localtwins.adt import ROOM_TWIN, Adt
from tests.localtwins.events.conftest import create_graph

from localtwins import LocalTwins, Settings, StartupError
from localtwins.events import endpoints, kafka_topic


@pytest.fixture
async def topic(broker: Broker) -> str:
    return await broker.topic(2)


@pytest.fixture
async def routed(broker: Broker, topic: str) -> AsyncIterator[Adt]:
    """A service with some twins, and a route to the topic."""
    service = await LocalTwins.open(":memory:", Settings(endpoint={"topic": f"kafka://{broker.address}/{topic}"}))
    adt = Adt(service)
    await create_graph(adt)
    assert (await adt.put("/eventroutes/all", {"endpointName": "topic", "filter": "true"})).status == 204
    yield adt
    await service.close()


async def messages(broker: Broker, topic: str, number: int) -> list[Any]:
    """The messages of a topic, once there are so many."""
    found: list[Any] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    async with asyncio.timeout(60), consumer:
        while len(found) < number:
            found.append(await consumer.getone())
    return found


def seats(found: Sequence[Any], twin_id: str) -> list[int]:
    events = [orjson.loads(message.value) for message in found if message.key == twin_id.encode()]
    return [event["data"]["patch"][0]["value"] for event in events if "patch" in event["data"]]


async def set_seats(adt: Adt, twin_id: str, *numbers: int) -> None:
    for number in numbers:
        operation = {"op": "add", "path": "/seats", "value": number}
        assert (await adt.patch(f"/digitaltwins/{twin_id}", operation)).status == 204


async def test_an_event_is_a_message_in_structured_mode_with_the_twin_as_its_key(
    broker: Broker, topic: str, routed: Adt
) -> None:
    await set_seats(routed, "room", 5)
    (message,) = await messages(broker, topic, 1)
    event = orjson.loads(message.value)
    assert message.key == b"room"
    assert dict(message.headers)["content-type"] == b"application/cloudevents+json; charset=utf-8"
    assert (event["specversion"], event["type"]) == ("1.0", "Microsoft.DigitalTwins.Twin.Update")


async def test_events_of_one_twin_are_in_one_partition_in_their_order(broker: Broker, topic: str, routed: Adt) -> None:
    twins = [f"room-{number}" for number in range(6)]
    for twin_id in twins:
        assert (await routed.put(f"/digitaltwins/{twin_id}", ROOM_TWIN)).status == 200
    for number in range(30):
        await asyncio.gather(*(set_seats(routed, twin_id, number) for twin_id in twins))
    found = await messages(broker, topic, 6 * 31)
    assert {message.partition for message in found} == {0, 1}
    for twin_id in twins:
        assert len({message.partition for message in found if message.key == twin_id.encode()}) == 1
        assert seats(found, twin_id) == list(range(30))


async def test_a_broker_that_is_killed_gets_the_events_when_it_is_back(broker: Broker, topic: str, routed: Adt) -> None:
    await set_seats(routed, "room", 1)
    await messages(broker, topic, 1)
    broker.kill()
    try:
        await set_seats(routed, "room", *range(2, 20))
        await asyncio.sleep(1)
    finally:
        broker.start()
    seen = seats(await messages(broker, topic, 19), "room")
    assert sorted(set(seen)) == list(range(1, 20))
    assert all(after <= before + 1 for before, after in pairwise(seen))


async def test_an_event_that_is_too_large_for_the_topic_is_left_out(
    broker: Broker, topic: str, routed: Adt, caplog: pytest.LogCaptureFixture
) -> None:
    await broker.limit(topic, 4000)
    await asyncio.gather(
        set_seats(routed, "room", 1),
        routed.post("/digitaltwins/room/telemetry", {"noise": "x" * 8000}, message_id="large"),
    )
    await set_seats(routed, "room", 2)
    assert seats(await messages(broker, topic, 2), "room") == [1, 2]
    async with asyncio.timeout(10):
        while "too large for the topic" not in caplog.text:
            await asyncio.sleep(0.01)


async def test_a_topic_that_is_not_there_is_waited_for(
    broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_topic, "_REQUEST_MILLISECONDS", 500)
    target = f"kafka://{broker.address}/later"
    service = await LocalTwins.open(":memory:", Settings(endpoint={"topic": target}))
    adt = Adt(service)
    await create_graph(adt)
    await adt.put("/eventroutes/all", {"endpointName": "topic", "filter": "true"})
    await set_seats(adt, "room", 1)
    async with asyncio.timeout(30):
        while "delivery fails" not in caplog.text:
            await asyncio.sleep(0.05)
    await broker.make("later")
    assert seats(await messages(broker, "later", 1), "room") == [1]
    await service.close()


async def test_a_service_ends_while_its_broker_is_away(broker: Broker, routed: Adt) -> None:
    broker.kill()
    try:
        await set_seats(routed, "room", 1)
        await asyncio.sleep(0.2)
        await asyncio.wait_for(routed.service.close(), 10)
    finally:
        broker.start()


async def test_without_the_library_the_start_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(endpoints, "find_spec", lambda _name: None)
    with pytest.raises(StartupError, match="library for Kafka"):
        await LocalTwins.open(tmp_path, Settings(endpoint={"topic": "kafka://one:9092/twins"}))
    await (await LocalTwins.open(tmp_path, Settings())).close()
