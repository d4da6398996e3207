"""A localtwins elsewhere as a source of changes, over HTTP."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from tests.localtwins.adt import Adt
from tests.localtwins.events.conftest import create_graph
from tests.ports import reserved_port

from localtwins import LocalTwins
from localtwins import Settings as LocalSettings
from localtwins.http_server import HttpServer
from twinfront_server.errors import TwinfrontError
from twinfront_server.metrics import Metrics
from twinfront_server.reasons import Reason
from twinfront_server.settings import Settings
from twinfront_server.upstream import open_upstream
from twinfront_server.upstream.changes import followed_log
from twinfront_server.upstream.changes.source import (
    Change,
    ChangesLostError,
    ChangeSource,
    Items,
    Kind,
    Order,
    Position,
)

ROOM = "/digitaltwins/room"


class Elsewhere:
    """A localtwins with some twins, which can be stopped, and started with other data where it was."""

    def __init__(self) -> None:
        self.port = reserved_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.adt: Adt
        self._stop: Callable[[], Awaitable[None]]

    async def start(self, data_dir: str | Path = ":memory:", **changed: int) -> None:
        settings = LocalSettings.of({"listen": f"127.0.0.1:{self.port}", **changed})
        service = await LocalTwins.open(data_dir, settings)
        server = HttpServer(service, settings)
        await server.start()
        self.adt = Adt(service)

        async def stop() -> None:
            await server.stop()
            await service.close()

        self._stop = stop

    async def stop(self) -> None:
        await self._stop()

    async def seat(self, *numbers: int) -> None:
        for number in numbers:
            assert (await self.adt.patch(ROOM, {"op": "add", "path": "/seats", "value": number})).status == 204


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    running = Elsewhere()
    await running.start()
    await create_graph(running.adt)
    yield running
    await running.stop()


Open = Callable[..., Awaitable[ChangeSource]]


@pytest.fixture
async def open_source() -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def opened(url: str, **changed: object) -> ChangeSource:
            settings = Settings.of({"upstream": url, "upstream_credential": "none", **changed})
            upstream = await open_upstream(settings, Metrics(CollectorRegistry()))
            stack.push_async_callback(upstream.close)
            assert upstream.changes is not None
            return upstream.changes

        yield opened


async def read_on(source: ChangeSource, after: Position, number: int) -> tuple[list[Change], Position]:
    """Reads so many changes, and waits for them if need be."""
    seen: list[Change] = []
    async with asyncio.timeout(20):
        while len(seen) < number:
            batch = await source.read(after, 100)
            seen, after = [*seen, *batch.changes], batch.position
            if len(seen) < number:
                await source.wait(after, 20)
    return seen, after


async def test_changes_come_as_the_service_has_logged_them(elsewhere: Elsewhere, open_source: Open) -> None:
    source = await open_source(elsewhere.url)
    position = (await source.extent()).newest
    await elsewhere.seat(5)
    etag = (await elsewhere.adt.get(ROOM)).etag
    seen, _ = await read_on(source, position, 1)
    (change,) = seen
    assert (change.kind, change.digital_twin_id, change.etag) == (Kind.TWIN_UPDATED, "room", etag)
    assert source.order is Order.TOTAL
    assert await source.log_id() == next(iter(position))


async def test_the_whole_log_is_read_with_models_first(elsewhere: Elsewhere, open_source: Open) -> None:
    source = await open_source(elsewhere.url)
    seen, _ = await read_on(source, (await source.extent()).oldest, 4)
    assert seen[0].kind is Kind.MODEL_CREATED
    assert {change.digital_twin_id for change in seen if change.kind is Kind.TWIN_CREATED} == {
        "room",
        "hall",
        "machine",
    }


async def test_how_far_all_has_come_is_known_from_the_last_answer_and_no_further_while_there_is_none(
    elsewhere: Elsewhere, open_source: Open
) -> None:
    source = await open_source(elsewhere.url)
    position, began = (await source.extent()).newest, time.time()
    await source.read(position, 1)
    await elsewhere.seat(5)
    _, position = await read_on(source, position, 1)
    complete = (await source.read(position, 1)).complete_until
    assert complete is not None
    assert began <= complete <= time.time()
    await elsewhere.stop()
    stopped = time.time()
    await asyncio.sleep(0.2)
    batch = await source.read(position, 1)
    assert not batch.changes
    assert batch.complete_until is not None
    assert complete <= batch.complete_until <= stopped
    await elsewhere.start()


async def test_many_who_wait_are_one_request(elsewhere: Elsewhere, open_source: Open) -> None:
    source = await open_source(elsewhere.url)
    position = (await source.extent()).newest
    waiting = [asyncio.create_task(source.wait(position, 30)) for _ in range(200)]
    log = elsewhere.adt.service.changes
    async with asyncio.timeout(10):
        while not log.waiting:
            await asyncio.sleep(0.01)
    assert log.waiting == 1
    await elsewhere.seat(1)
    await asyncio.gather(*waiting)


async def test_the_state_comes_with_the_position_that_it_was_read_at(elsewhere: Elsewhere, open_source: Open) -> None:
    source = await open_source(elsewhere.url)
    first = await source.items(Items.DIGITAL_TWINS, "", 2)
    assert first.next == "machine"
    await elsewhere.seat(1)
    second = await source.items(Items.DIGITAL_TWINS, first.next, 2)
    assert (len(first.documents), len(second.documents), second.next) == (2, 1, None)
    assert first.as_of is not None
    assert second.as_of is not None
    (log_id,) = first.as_of
    assert second.as_of[log_id] == first.as_of[log_id] + 1
    assert await source.before_items() == second.as_of


async def test_a_time_leads_to_the_first_change_after_it(elsewhere: Elsewhere, open_source: Open) -> None:
    source = await open_source(elsewhere.url)
    await asyncio.sleep(0.01)
    between = datetime.now(UTC)
    await elsewhere.seat(1, 2)
    seen, _ = await read_on(source, await source.at_time(between), 2)
    assert [change.kind for change in seen] == [Kind.TWIN_UPDATED] * 2
    assert (await source.at_time(datetime.now(UTC) + timedelta(hours=1))) == (await source.extent()).newest


async def test_telemetry_that_tells_another_time_was_taken_when_it_came(
    elsewhere: Elsewhere, open_source: Open
) -> None:
    source = await open_source(elsewhere.url)
    position = (await source.extent()).newest
    times = {"message_id": "m", "telemetry_source_time": "2020-01-02T03:04:05Z"}
    assert (await elsewhere.adt.post(f"{ROOM}/telemetry", {}, **times)).status == 204
    ((change,), _) = await read_on(source, position, 1)
    assert change.time == "2020-01-02T03:04:05Z"
    newest = (await source.extent()).newest_time
    assert newest is not None
    for taken in (datetime.fromisoformat(change.taken), newest):
        assert datetime.now(UTC) - taken < timedelta(minutes=1)


async def test_what_the_log_has_trimmed_is_lost(open_source: Open) -> None:
    elsewhere = Elsewhere()
    await elsewhere.start(max_changes=5)
    await create_graph(elsewhere.adt)
    source = await open_source(elsewhere.url)
    begin = (await source.extent()).newest
    await elsewhere.seat(*range(40))
    async with asyncio.timeout(10):
        while next(iter((await source.extent()).oldest.values())) <= next(iter(begin.values())):
            await elsewhere.seat(1)
    with pytest.raises(ChangesLostError) as lost:
        await (await open_source(elsewhere.url)).read(begin, 5)
    assert lost.value.trimmed
    assert lost.value.oldest_time is not None
    await elsewhere.stop()


async def test_a_log_in_the_place_of_another_is_lost_to_who_followed_that(
    elsewhere: Elsewhere, open_source: Open
) -> None:
    source = await open_source(elsewhere.url)
    _, position = await read_on(source, (await source.extent()).oldest, 4)
    before = await source.log_id()
    await elsewhere.stop()
    await elsewhere.start()
    await create_graph(elsewhere.adt)
    await elsewhere.seat(*range(20))
    with pytest.raises(ChangesLostError) as lost:  # noqa: PT012  (the source finds out when it asks next)
        async with asyncio.timeout(20):
            while True:
                await source.wait(position, 1)
                assert (await source.read(position, 5)).changes == []
    assert not lost.value.trimmed
    assert await source.log_id() != before
    assert (await read_on(source, (await source.extent()).oldest, 20))[0]


async def test_a_service_that_is_started_again_loses_nothing(open_source: Open, tmp_path: Path) -> None:
    elsewhere = Elsewhere()
    await elsewhere.start(tmp_path)
    await create_graph(elsewhere.adt)
    source = await open_source(elsewhere.url)
    _, position = await read_on(source, (await source.extent()).oldest, 4)
    await elsewhere.stop()
    await elsewhere.start(tmp_path)
    await elsewhere.seat(1)
    seen, _ = await read_on(source, position, 1)
    assert seen[-1].kind is Kind.TWIN_UPDATED
    await elsewhere.stop()


async def test_a_position_is_good_over_starts_of_the_service_without_a_write(open_source: Open, tmp_path: Path) -> None:
    elsewhere = Elsewhere()
    await elsewhere.start(tmp_path)
    await create_graph(elsewhere.adt)
    before = await open_source(elsewhere.url)
    _, position = await read_on(before, (await before.extent()).oldest, 4)
    for _ in range(2):
        await elsewhere.stop()
        await elsewhere.start(tmp_path)
    for source in (before, await open_source(elsewhere.url)):
        async with asyncio.timeout(20):
            assert (await source.read(position, 5)).changes == []
        await elsewhere.seat(1)
        seen, position = await read_on(source, position, 1)
        assert [change.kind for change in seen] == [Kind.TWIN_UPDATED]
    await elsewhere.stop()


@pytest.mark.parametrize("writes_since", [0, 30])
async def test_changes_that_an_older_state_of_the_data_does_not_have_are_lost_to_who_has_seen_them(
    open_source: Open, tmp_path: Path, writes_since: int
) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    elsewhere = Elsewhere()
    await elsewhere.start(data)
    await create_graph(elsewhere.adt)
    saw_it_all = await open_source(elsewhere.url)
    _, kept = await read_on(saw_it_all, (await saw_it_all.extent()).oldest, 7)
    shutil.copytree(data, backup)
    await elsewhere.seat(*range(5))
    _, lost = await read_on(saw_it_all, kept, 5)
    await elsewhere.stop()
    shutil.rmtree(data)
    shutil.copytree(backup, data)
    await elsewhere.start(data)
    await elsewhere.seat(*range(100, 100 + writes_since))
    for source in (saw_it_all, await open_source(elsewhere.url)):
        with pytest.raises(ChangesLostError) as told:  # noqa: PT012  (the source finds out when it asks next)
            async with asyncio.timeout(20):
                while True:
                    assert (await source.read(lost, 5)).changes == []
                    await source.wait(lost, 1)
        assert not told.value.trimmed
        assert len((await read_on(source, kept, writes_since))[0]) == writes_since
    await elsewhere.stop()


async def test_a_service_that_is_away_is_told_after_a_while(
    elsewhere: Elsewhere, open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed_log, "_BRIDGED_SECONDS", 0.2)
    source = await open_source(elsewhere.url)
    _, position = await read_on(source, (await source.extent()).oldest, 4)
    await elsewhere.stop()
    with pytest.raises(TwinfrontError) as away:  # noqa: PT012  (the source finds out when it asks next)
        async with asyncio.timeout(20):
            while True:
                await source.wait(position, 5)
                await source.read(position, 5)
    assert away.value.reason is Reason.UPSTREAM_UNAVAILABLE
    await elsewhere.start()


@pytest.mark.parametrize("status", [400, 404, 405])
async def test_an_upstream_without_such_a_log_has_no_changes(open_source: Open, status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": "Nothing", "message": "here"}}, status=status)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source = await open_source(f"http://127.0.0.1:{runner.addresses[0][1]}")
    for asked in (source.log_id(), source.extent(), source.items(Items.DIGITAL_TWINS, "", 5)):
        with pytest.raises(TwinfrontError) as unsupported:
            await asked
        assert unsupported.value.reason is Reason.CHANGES_UNSUPPORTED
    await runner.cleanup()


@pytest.mark.parametrize(
    "body",
    ["[]", "{}", '{"logId": 5}', '{"logId": "a", "oldest": "x", "newest": 1, "newestTime": null}', "not json", '{"a":'],
)
async def test_an_answer_that_makes_no_sense_is_told(open_source: Open, body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source = await open_source(f"http://127.0.0.1:{runner.addresses[0][1]}", read_retries=0)
    with pytest.raises(TwinfrontError) as senseless:
        await source.extent()
    assert senseless.value.reason in {Reason.UPSTREAM_ANSWER_UNEXPECTED, Reason.UPSTREAM_UNAVAILABLE}
    await runner.cleanup()


async def test_azure_digital_twins_itself_is_not_asked() -> None:
    settings = Settings(upstream="https://twins.api.weu.digitaltwins.azure.net", upstream_credential="none")
    upstream = await open_upstream(settings, Metrics(CollectorRegistry()))
    assert upstream.changes is None
    await upstream.close()
