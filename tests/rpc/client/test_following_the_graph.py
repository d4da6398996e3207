"""Watches and caches of a graph that is written to meanwhile, at a server that ends streams and starts again."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.engine import is_grpcio
from tests.ports import reserved_port

from twinfront import (
    AsyncTwinCache,
    AsyncTwinfrontClient,
    Change,
    ChangeKind,
    DigitalTwin,
    InitialItem,
    InitialStateEnd,
    Relationship,
    TwinfrontError,
    patch,
)
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .awaited import Awaited, AwaitedCache, Connect

ROOM = "dtmi:example:Room;1"
HALL = "dtmi:example:Hall;1"
SITE = "dtmi:example:Site;1"
MODELS: list[dict[str, Any]] = [
    {
        "@context": "dtmi:dtdl:context;3",
        "@id": ROOM,
        "@type": "Interface",
        "contents": [
            {"@type": "Property", "name": "n", "schema": "integer"},
            {"@type": "Property", "name": "text", "schema": "string"},
            {"@type": "Relationship", "name": "leadsTo"},
        ],
    },
    {"@context": "dtmi:dtdl:context;3", "@id": HALL, "@type": "Interface", "extends": ROOM},
    {
        "@context": "dtmi:dtdl:context;3",
        "@id": SITE,
        "@type": "Interface",
        "contents": [
            {"@type": "Property", "name": "n", "schema": "integer"},
            {"@type": "Relationship", "name": "leadsTo"},
        ],
    },
]

SMALL_WINDOW = {"grpc.http2.bdp_probe": 0, "grpc.http2.lookahead_bytes": 65536}
"""Keeps grpc from taking in megabytes ahead of its caller."""


def ended_for_its_age_after(seconds: float) -> dict[str, Any]:
    """The setting for it, which is for one engine only."""
    return {"max_connection_age": seconds} if is_grpcio() else {}


class Restarted:
    """A server that starts again where it was, on what it had."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app = App(settings)
        self.target = f"127.0.0.1:{settings.listen.rpartition(':')[2]}"

    async def start(self, **settings: Any) -> None:
        self._settings = self._settings.changed(**settings)
        self._app = App(self._settings)
        await self._app.__aenter__()

    async def stop(self) -> None:
        await self._app.__aexit__(None, None, None)

    def sample(self, metric: str, **labels: str) -> float:
        """What its metrics say since it has started."""
        return self._app.metrics.registry.get_sample_value(metric, labels) or 0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Any]:
    settings = Settings(
        listen=f"127.0.0.1:{reserved_port()}",
        metrics_listen="127.0.0.1:0",
        data_dir=str(tmp_path),
        page_token_key="a key of replicas",
        **ended_for_its_age_after(1.5),
    )
    restarted = Restarted(settings)
    await restarted.start()
    yield restarted
    await restarted.stop()


def cache_of(client: AsyncTwinfrontClient, **arguments: Any) -> AsyncTwinCache:
    if isinstance(client, Awaited):
        cache: Any = AwaitedCache(client, **arguments)
        return cache
    return AsyncTwinCache(client, **arguments)


async def write_at_random(client: AsyncTwinfrontClient, seed: int, count: int) -> None:
    """Creates, changes, moves to other models and deletes a few twins and relationships."""
    chance = random.Random(seed)
    for number in range(count):
        twin_id, other = f"t{chance.randrange(6)}", f"t{chance.randrange(6)}"
        try:
            match chance.randrange(7):
                case 0 | 1:
                    model_id = chance.choice([ROOM, HALL, SITE])
                    made = DigitalTwin(model_id=model_id, properties={"n": number})
                    await client.create_or_replace_digital_twin(twin_id, made)
                case 2 | 3:
                    await client.update_digital_twin(twin_id, patch().add("/n", number))
                case 4:
                    await client.create_or_replace_relationship(
                        twin_id, f"r{chance.randrange(2)}", Relationship(target_id=other, name="leadsTo")
                    )
                case 5:
                    await client.delete_relationship(twin_id, f"r{chance.randrange(2)}")
                case 6:
                    await client.delete_digital_twin(twin_id)
        except TwinfrontError as error:
            if error.reason in {"", "INTERNAL"}:
                raise


class Replica:
    """What callbacks make of a graph that they are told of."""

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], DigitalTwin | Relationship] = {}
        self.callbacks: dict[str, Any] = {"added": self._added, "changed": self._changed, "removed": self._removed}

    def _added(self, after: Any) -> None:
        assert self.resources.setdefault(_key(after), after) is after, "it was there"

    def _changed(self, before: Any, after: Any) -> None:
        assert self.resources[_key(after)] == before
        assert before.etag != after.etag, "it was told already"
        self.resources[_key(after)] = after

    def _removed(self, before: Any) -> None:
        assert self.resources.pop(_key(before)) == before


def _key(resource: DigitalTwin | Relationship) -> tuple[str, str]:
    if isinstance(resource, DigitalTwin):
        return resource.id, ""
    return resource.source_id, resource.id


async def listed(client: AsyncTwinfrontClient, models: set[str]) -> dict[tuple[str, str], Any]:
    rows = [row async for row in client.query("SELECT * FROM digitaltwins")]
    twins = [twin for twin in map(DigitalTwin.from_dict, rows) if twin.model_id in models]
    related = [one for twin in twins async for one in client.list_relationships(twin.id)]
    found: list[Any] = [*twins, *related]
    return {_key(one): one for one in found}


def held(cache: AsyncTwinCache) -> dict[tuple[str, str], Any]:
    twins = cache.list()
    found: list[Any] = [*twins, *(one for twin in twins for one in cache.relationships(twin.id))]
    return {_key(one): one for one in found}


async def equals(cache: AsyncTwinCache, expected: dict[tuple[str, str], Any]) -> None:
    async with asyncio.timeout(20):
        while held(cache) != expected:
            await asyncio.sleep(0.02)


async def test_caches_are_what_the_graph_is_whatever_happens_to_the_server(server: Restarted, connect: Connect) -> None:
    client = connect(server.target)
    await client.create_models(MODELS)
    await write_at_random(client, 0, 60)
    all_told, rooms_told = Replica(), Replica()
    async with (
        cache_of(client, relationships=True, **all_told.callbacks) as everything,
        cache_of(client, relationships=True, model_ids=[ROOM], **rooms_told.callbacks) as rooms,
    ):
        for turn in range(1, 4):
            await asyncio.gather(*(write_at_random(client, 10 * turn + writer, 50) for writer in range(3)))
            await server.stop()
            await asyncio.sleep(0.2)
            await server.start()
        await write_at_random(client, 99, 50)
        await everything.synced(20)
        await rooms.synced(20)
        await equals(everything, await listed(client, {ROOM, HALL, SITE}))
        await equals(rooms, await listed(client, {ROOM, HALL}))
    assert all_told.resources == held(everything)
    assert rooms_told.resources == held(rooms)


async def test_a_saved_cache_is_told_what_it_has_missed_and_no_more(server: Restarted, connect: Connect) -> None:
    client = connect(server.target)
    await client.create_models(MODELS)
    await write_at_random(client, 1, 60)
    told = Replica()
    cache = cache_of(client, relationships=True, **told.callbacks)
    async with cache:
        await cache.synced(20)
    for turn in range(2, 5):
        await server.stop()
        await server.start()
        await write_at_random(client, turn, 60)
        cache = cache_of(client, relationships=True, saved=cache.save(), **told.callbacks)
        async with cache:
            await cache.synced(20)
            await equals(cache, await listed(client, {ROOM, HALL, SITE}))
        assert told.resources == held(cache)


async def test_a_job_that_writes_past_the_log_is_seen_by_a_cache(server: Restarted, connect: Connect) -> None:
    client = connect(server.target)
    await client.create_models(MODELS)
    await write_at_random(client, 1, 60)
    told = Replica()
    async with cache_of(client, relationships=True, **told.callbacks) as cache:
        await cache.synced(20)
        assert len(cache) > 0
        job = await client.create_delete_job()
        await client.wait_for_delete_job(job.id, timeout=20)
        await equals(cache, {})
    assert told.resources == {}


async def test_a_cache_whose_callbacks_take_longer_than_the_server_waits_goes_on_where_it_was(
    server: Restarted, connect: Connect
) -> None:
    await server.stop()
    await server.start(max_unread_time=1.0, **ended_for_its_age_after(300.0))
    client = connect(server.target, options=SMALL_WINDOW)
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin("a", DigitalTwin(model_id=ROOM, properties={"n": 0}))
    told, may_go_on = list[int](), threading.Event()

    def wait_in_a_thread(_before: Any, after: Any) -> None:
        told.append(after["n"])
        may_go_on.wait(20)

    async def wait(_before: Any, after: Any) -> None:
        told.append(after["n"])
        while not may_go_on.is_set():
            await asyncio.sleep(0.01)

    changed = wait_in_a_thread if isinstance(client, Awaited) else wait
    async with cache_of(client, changed=changed) as cache:
        await cache.synced(20)
        text = "x" * 4000
        for number in range(1, 301):
            write = patch().replace("/n", number).add("/text", text)
            await client.update_digital_twin("a", write)
        try:
            async with asyncio.timeout(20):
                while server.sample("twinfront_watch_streams") > 0:
                    await asyncio.sleep(0.05)
        finally:
            may_go_on.set()
        await equals(cache, await listed(client, {ROOM}))
        assert server.sample("twinfront_errors_total", reason="STREAM_NOT_READ") > 0
    assert told == sorted(set(told))


async def test_a_watch_tells_each_change_once_and_in_order_over_restarts(server: Restarted, connect: Connect) -> None:
    client = connect(server.target)
    await client.create_models(MODELS)
    twin = DigitalTwin(model_id=ROOM, properties={"n": 0})
    await client.create_or_replace_digital_twin("a", twin)
    watch = client.watch(kinds=[ChangeKind.TWIN_UPDATED])
    await anext(watch)  # a checkpoint: from here on nothing is missed

    async def write() -> None:
        for number in range(1, 91):
            await client.update_digital_twin("a", patch().replace("/n", number))
            if number % 30 == 0:
                await server.stop()
                await server.start()
            await asyncio.sleep(0.02)

    told: list[int] = []
    async with asyncio.timeout(40):
        writing = asyncio.create_task(write())
        while len(told) < 90:
            item = await anext(watch)
            if isinstance(item, Change):
                told.append(item.patch[0]["value"])
        await writing
        await watch.aclose()
    assert told == list(range(1, 91))


async def test_each_item_of_the_state_is_a_place_to_go_on_from(server: Restarted, connect: Connect) -> None:
    client = connect(server.target)
    await client.create_models(MODELS)
    for number in range(5):
        await client.create_or_replace_digital_twin(f"t{number}", DigitalTwin(model_id=ROOM, properties={"n": 0}))
    await client.create_or_replace_relationship("t0", "r", Relationship(target_id="t1", name="leadsTo"))
    items, token = 0, ""
    async with asyncio.timeout(20):
        while True:
            watch = client.watch(initial_state="graph", resume_token=token)
            async for item in watch:
                items += isinstance(item, InitialItem)
                if item.resume_token != token:
                    token = item.resume_token
                    break
            await watch.aclose()
            if isinstance(item, InitialStateEnd):
                break
    assert items == 6


def test_a_replica_finds_what_is_told_twice() -> None:
    one = DigitalTwin(id="a", etag="1", model_id=ROOM)
    replica = Replica()
    replica.callbacks["added"](one)
    with pytest.raises(AssertionError, match="it was there"):
        replica.callbacks["added"](replace(one, etag="2"))
