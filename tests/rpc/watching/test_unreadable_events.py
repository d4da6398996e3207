"""Events that make no sense: a watch is told that something has changed, and goes on."""

import asyncio
from typing import Any

import grpc.aio
import pytest
from tests.changes.event_hub import Hub
from tests.changes.events import binary, updated

from twinfront.v1 import change_service_pb2 as messages
from twinfront_server.settings import Settings
from twinfront_server.upstream.changes import queried

from . import source as sources
from .watcher import told, watching

RESYNC: dict[str, Any] = {
    "initial_state": messages.INITIAL_STATE_TWINS,
    "on_expired": messages.ON_EXPIRED_RESYNC,
}
BROKEN = binary("Microsoft.DigitalTwins.Twin.Update", "room", {"modelId": "dtmi:a;1"})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub that no event route feeds."""
    return sources.hub_in_memory(monkeypatch)


@pytest.fixture
def settings(hub: Hub) -> Settings:  # noqa: ARG001  (stands in the place of the real one)
    return Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", changes=sources.HUB)


@pytest.fixture
async def channel(server: Any) -> Any:
    async with grpc.aio.insecure_channel(str(server.address)) as channel:
        yield channel


async def test_an_event_that_makes_no_sense_is_told_as_a_gap_and_what_follows_is_told(
    channel: grpc.aio.Channel, hub: Hub
):
    async with watching(channel) as watcher:
        hub.add(*updated("before", 1))
        hub.add(*BROKEN)
        hub.add(*updated("after", 1))
        assert await watcher.told(1) == [("TWIN_UPDATED", "before")]
        message = await watcher.next_but_checkpoints()
        assert message.reset.reason == messages.Reset.REASON_SOURCE_GAP
        token = message.resume_token
        assert await watcher.told(1) == [("TWIN_UPDATED", "after")]
    async with watching(channel, resume_token=token) as watcher:
        assert await watcher.told(1) == [("TWIN_UPDATED", "after")]


async def test_a_watch_that_resyncs_is_told_the_state_once_queries_show_what_has_changed(
    channel: grpc.aio.Channel, hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(queried, "_LAG", queried._LAG / 30)
    async with watching(channel, **RESYNC) as watcher:
        assert await watcher.state() == ([], [])
        begun = asyncio.get_running_loop().time()
        hub.add(*BROKEN)
        hub.add(*updated("after", 1))
        message = await watcher.next_but_checkpoints()
        assert message.reset.reason == messages.Reset.REASON_SOURCE_GAP
        assert await watcher.state() == ([], [])
        assert asyncio.get_running_loop().time() - begun > 0.9
        assert await watcher.told(1) == [("TWIN_UPDATED", "after")]


async def test_a_filter_that_nothing_fits_does_not_hide_an_event_that_makes_no_sense(
    channel: grpc.aio.Channel, hub: Hub
):
    async with watching(channel, filter={"digital_twin_ids": ["other"]}) as watcher:
        hub.add(*BROKEN)
        message = await watcher.next_but_checkpoints()
    assert message.reset.reason == messages.Reset.REASON_SOURCE_GAP


async def test_messages_that_are_no_events_are_passed_over(channel: grpc.aio.Channel, hub: Hub):
    async with watching(channel) as watcher:
        for _ in range(300):
            hub.add({"iothub": "x"}, b"temperature=20")
        hub.add(*updated("room", 1))
        assert [told(change) for change in await watcher.changes(1)] == [("TWIN_UPDATED", "room")]
