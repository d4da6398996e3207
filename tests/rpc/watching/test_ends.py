"""The end of a watch: it says from where to go on."""

import asyncio
import time

import grpc
import grpc.aio
import pytest

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront_server.app import App
from twinfront_server.interceptors.unread import UnreadStreams
from twinfront_server.settings import Settings

from ..services.building import add
from ..services.refusal import refused
from ..serving.echo import eventually
from .watcher import Watcher, watching
from .writer import Writer

pytestmark = pytest.mark.source_that(name="embedded")
"""How a watch ends has nothing to do with where changes come from."""

SMALL_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]
"""Keeps grpc from taking in megabytes ahead of its caller."""


def open_watches(app: App) -> float:
    return app.metrics.registry.get_sample_value("twinfront_watch_streams") or 0.0


async def test_a_draining_server_ends_idle_watches_at_once_behind_a_message(settings: Settings):
    kept = settings.changed(drain_grace=30.0, drain_delay=0.0)
    async with App(kept) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        async with watching(channel) as watcher:
            draining = asyncio.create_task(app.drain())
            assert (await watcher.next()).HasField("checkpoint")
            error = await refused(watcher.next())
            assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
        async with asyncio.timeout(10):
            await draining


async def test_a_watch_goes_on_at_another_server_after_a_drain(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
):
    kept = settings.changed(
        data_dir=str(tmp_path_factory.mktemp("kept")), page_token_key="a key of sixteen characters", drain_delay=0.0
    )
    async with App(kept) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        write = await Writer.open(channel)
        async with watching(channel) as watcher:
            draining = asyncio.create_task(app.drain())
            await watcher.next()
            await refused(watcher.next())
        await draining
    async with App(kept) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        write = Writer(channel, write.building.at(channel))
        await write.room("a")
        async with watching(channel, resume_token=watcher.token) as watcher:
            assert await watcher.told(1) == [("TWIN_CREATED", "a")]


@pytest.mark.grpcio_engine("the native engine ends no connection for its age")
async def test_a_watch_ends_by_itself_before_its_connection_is_cut_for_its_age(settings: Settings):
    young = settings.changed(max_connection_age=2.0, max_connection_age_grace=2.0)
    async with App(young) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        write, begun = await Writer.open(channel), time.monotonic()
        async with watching(channel) as watcher:
            await watcher.end()
            assert watcher.messages[-1].HasField("checkpoint")
        assert 2.0 < time.monotonic() - begun < 4.5
        await write.room("a")
        async with watching(channel, resume_token=watcher.token) as watcher:
            assert await watcher.told(1) == [("TWIN_CREATED", "a")]


@pytest.fixture
async def unread_room(settings: Settings) -> App:
    return App(settings.changed(max_unread_time=1.0))


async def write_much(write: Writer, times: int) -> None:
    await write.room("room")
    for number in range(times):
        await write.patch("room", add("/note", f"{number} {'x' * 4000}"))


async def test_a_watch_that_is_not_read_is_ended_and_goes_on_behind_what_was_read(unread_room: App):
    async with unread_room as app, grpc.aio.insecure_channel(str(app.address)) as writing:
        write = await Writer.open(writing)
        async with grpc.aio.insecure_channel(str(app.address), SMALL_WINDOW) as channel:
            call = ChangeServiceStub(channel).Watch(messages.WatchRequest())
            watcher = Watcher(aiter(call))
            await watcher.next()
            await write_much(write, 600)
            await eventually(lambda: not open_watches(app))
            assert (await refused(watcher.end())).reason == "STREAM_NOT_READ"
        told = sum(len(message.changes.changes) for message in watcher.messages)
        assert 0 < told < 601
        async with watching(writing, resume_token=watcher.token) as watcher:
            changes = await watcher.changes(601 - told)
        assert changes[-1].patch[0].value.string_value.startswith("599 ")


async def test_a_watch_holds_memory_only_while_a_message_waits(settings: Settings):
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as writing:
        unread: UnreadStreams = app._chain.links["unread"].__self__  # type: ignore[attr-defined]  # a bound method
        write = await Writer.open(writing)
        async with grpc.aio.insecure_channel(str(app.address), SMALL_WINDOW) as channel:
            call = ChangeServiceStub(channel).Watch(messages.WatchRequest())
            watcher = Watcher(aiter(call))
            await watcher.next()
            assert unread._held_bytes == 0
            await write_much(write, 300)
            await eventually(lambda: unread._held_bytes > 0)
            told = 0
            while told < 301:
                told += len((await watcher.next()).changes.changes)
            await eventually(lambda: unread._held_bytes == 0)


async def test_watches_that_are_gone_leave_nothing_behind(settings: Settings):
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        write = await Writer.open(channel)
        tasks = len(asyncio.all_tasks())
        for _ in range(3):
            async with watching(channel) as one, watching(channel, filter={"digital_twin_ids": ["a"]}):
                await write.room("a")
                await one.changes(1)
        await eventually(lambda: not open_watches(app))
        await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
