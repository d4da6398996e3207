"""Watches that go on where one has ended, or begin at a time."""

from datetime import UTC, datetime
from typing import Any

import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

from ..services.building import replace
from ..services.refusal import refused, refused_field
from .source import Source
from .watcher import told, watching
from .writer import Writer

CREATED = "TWIN_CREATED"


async def change_log(channel: grpc.aio.Channel) -> messages.GetChangeLogResponse:
    return await ChangeServiceStub(channel).GetChangeLog(messages.GetChangeLogRequest())


async def test_a_watch_goes_on_behind_the_last_message_that_was_read(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel) as watcher:
        await write.room("a")
        assert await watcher.told(1) == [(CREATED, "a")]
        token = watcher.token
    await write.rooms(["b", "c"])
    async with watching(channel, resume_token=token) as watcher:
        await write.room("d")
        assert await watcher.told(3) == [(CREATED, "b"), (CREATED, "c"), (CREATED, "d")]


async def test_a_watch_that_goes_on_says_at_once_that_it_does(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel) as watcher:
        token = watcher.token
    async with watching(channel, resume_token=token) as watcher:
        assert (await watcher.next()).HasField("checkpoint")
    await write.room("a")


async def test_changes_that_come_again_have_the_same_ids(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel) as watcher:
        token = watcher.token
        await write.rooms(["a", "b"])
        ids = [change.id for change in await watcher.changes(2)]
    async with watching(channel, resume_token=token) as watcher:
        assert [change.id for change in await watcher.changes(2)] == ids


async def test_the_token_of_a_checkpoint_lies_behind_what_was_left_out(channel: grpc.aio.Channel, write: Writer):
    request = {"filter": {"digital_twin_ids": ["wanted"]}, "checkpoint_interval": {"seconds": 1}}
    async with watching(channel, **request) as watcher:
        await write.rooms(["a", "b"])
        before = watcher.token
        assert (await watcher.next()).HasField("checkpoint")
        assert (await watcher.next()).HasField("checkpoint")
        token = watcher.token
    assert token != before
    async with watching(channel, resume_token=token, **request) as watcher:
        await write.room("wanted")
        assert await watcher.told(1) == [(CREATED, "wanted")]


async def test_checkpoint_interval_and_on_expired_may_change(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel, initial_state=messages.INITIAL_STATE_TWINS) as watcher:
        await watcher.state()
        token = watcher.token
    await write.room("a")
    async with watching(
        channel,
        resume_token=token,
        initial_state=messages.INITIAL_STATE_TWINS,
        on_expired=messages.ON_EXPIRED_RESYNC,
        checkpoint_interval={"seconds": 5},
    ) as watcher:
        assert await watcher.told(1) == [(CREATED, "a")]


@pytest.mark.parametrize(
    "other",
    [
        {"filter": {"digital_twin_ids": ["a"]}},
        {"content": messages.CHANGE_CONTENT_AFTER},
        {"representation": 2},
        {"initial_state": messages.INITIAL_STATE_TWINS},
    ],
)
@pytest.mark.usefixtures("write")
async def test_a_token_of_another_watch_is_refused(channel: grpc.aio.Channel, other: dict[str, Any]):
    async with watching(channel) as watcher:
        token = watcher.token
    async with watching(channel, resume_token=token, **other) as watcher:
        assert await refused_field(watcher.next(), "RESUME_TOKEN_INVALID") == "resume_token"


@pytest.mark.parametrize("token", ["made-up", "A" * 200, "ä", "A" * 70_000])
async def test_a_made_up_token_is_refused(channel: grpc.aio.Channel, token: str):
    async with watching(channel, resume_token=token) as watcher:
        assert await refused_field(watcher.next(), "RESUME_TOKEN_INVALID") == "resume_token"


async def test_any_watch_begins_with_a_token_of_the_log(channel: grpc.aio.Channel, write: Writer):
    await write.room("before")
    token = (await change_log(channel)).newest_token
    await write.room("after")
    for request in ({}, {"filter": {"digital_twin_id_prefixes": ["af"]}}, {"content": messages.CHANGE_CONTENT_AFTER}):
        async with watching(channel, resume_token=token, **request) as watcher:
            assert await watcher.told(1) == [(CREATED, "after")]


async def test_the_log_is_told_from_its_beginning_on(channel: grpc.aio.Channel, write: Writer):
    await write.rooms(["a", "b"])
    log = await change_log(channel)
    async with watching(channel, resume_token=log.oldest_token, filter={"kinds": [1]}) as watcher:
        assert await watcher.told(2) == [(CREATED, "a"), (CREATED, "b")]


async def test_the_log_says_when_its_changes_were_made(channel: grpc.aio.Channel, write: Writer, source: Source):
    before = datetime.now(UTC)
    await write.room("a")
    log = await change_log(channel)
    assert log.oldest_time.ToDatetime(UTC) <= log.newest_time.ToDatetime(UTC)
    assert before <= log.newest_time.ToDatetime(UTC) <= datetime.now(UTC)
    assert (log.order == messages.GetChangeLogResponse.ORDER_TOTAL) == source.is_exact


async def test_a_watch_begins_at_a_time(channel: grpc.aio.Channel, write: Writer):
    await write.room("before")
    async with watching(channel) as watcher:
        await write.rooms(["a", "b"])
        first, _ = await watcher.changes(2)
    async with watching(channel, start_time=first.time) as watcher:
        assert [told(each) for each in await watcher.changes(2)] == [(CREATED, "a"), (CREATED, "b")]


async def test_a_time_before_all_changes_is_as_good_as_the_first_of_them(channel: grpc.aio.Channel, write: Writer):
    await write.room("a")
    oldest = (await change_log(channel)).oldest_time
    async with watching(channel, start_time=Timestamp(seconds=oldest.seconds - 1)) as watcher:
        first = (await watcher.next()).changes.changes[0].time
    assert first.ToDatetime() == oldest.ToDatetime()


@pytest.mark.source_that(is_fed=False)  # the event route would have to be made at each server
async def test_a_token_is_good_at_another_server_with_the_same_key(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
):
    kept = settings.changed(data_dir=str(tmp_path_factory.mktemp("kept")), page_token_key="a key of sixteen characters")
    async with App(kept) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        write = await Writer.open(channel)
        async with watching(channel) as watcher:
            token = watcher.token
        await write.room("a")
    async with (
        App(kept) as app,
        grpc.aio.insecure_channel(str(app.address)) as channel,
        watching(channel, resume_token=token) as watcher,
    ):
        assert await watcher.told(1) == [(CREATED, "a")]
    other_key = kept.changed(page_token_key="another key of sixteen characters")
    async with (
        App(other_key) as app,
        grpc.aio.insecure_channel(str(app.address)) as channel,
        watching(channel, resume_token=token) as watcher,
    ):
        assert (await refused(watcher.next())).reason == "RESUME_TOKEN_INVALID"


@pytest.mark.source_that(outlives_server=False)
async def test_a_token_of_another_log_is_refused(settings: Settings):
    key = settings.changed(page_token_key="a key of sixteen characters")
    tokens: list[str] = []
    for _ in range(2):
        async with App(key) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
            for token in tokens:
                async with watching(channel, resume_token=token) as watcher:
                    assert (await refused(watcher.next())).reason == "RESUME_TOKEN_INVALID"
            async with watching(channel) as watcher:
                tokens.append(watcher.token)


async def test_many_changes_are_caught_up_with_in_order(channel: grpc.aio.Channel, write: Writer):
    await write.room("room", visits=0)
    token = (await change_log(channel)).newest_token
    for number in range(1, 601):
        await write.patch("room", replace("/visits", number))
    async with watching(channel, resume_token=token) as watcher:
        changes = await watcher.changes(600)
    assert [change.patch[0].value.int_value for change in changes] == list(range(1, 601))
    assert len(watcher.messages) < 100
