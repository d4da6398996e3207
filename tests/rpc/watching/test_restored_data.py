"""Watches at an embedded service whose data folder was restored to an older state."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
from tests.localtwins.adt import MACHINE

from twinfront import AsyncTwinfrontClient, DigitalTwin
from twinfront.v1 import change_service_pb2 as messages
from twinfront_server.app import App
from twinfront_server.settings import Settings

from ..services.refusal import refused
from .watcher import watching

CREATED = "TWIN_CREATED"
TWINS = {"initial_state": messages.INITIAL_STATE_TWINS}


@pytest.fixture
def kept(tmp_path: Path) -> Settings:
    return Settings(
        listen="127.0.0.1:0",
        metrics_listen="none",
        data_dir=str(tmp_path / "data"),
        page_token_key="a key of sixteen characters",
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[grpc.aio.Channel, AsyncTwinfrontClient]]:
    async with (
        App(settings) as app,
        grpc.aio.insecure_channel(str(app.address)) as channel,
        AsyncTwinfrontClient(str(app.address)) as client,
    ):
        yield channel, client


async def _create(client: AsyncTwinfrontClient, *ids: str) -> None:
    for twin_id in ids:
        await client.create_or_replace_digital_twin(twin_id, DigitalTwin(model_id="dtmi:test:Machine;1"))


async def test_who_was_told_changes_that_the_restored_data_does_not_have_is_told_so(kept: Settings, tmp_path: Path):
    data, backup = Path(kept.data_dir), tmp_path / "backup"
    async with serving(kept) as (channel, client):
        await client.create_models([MACHINE])
        async with watching(channel, **TWINS) as watcher:
            assert await watcher.state() == ([], [])
            await _create(client, "kept")
            assert await watcher.told(1) == [(CREATED, "kept")]
            good = watcher.token
            shutil.copytree(data, backup)
            await _create(client, "lost")
            assert await watcher.told(1) == [(CREATED, "lost")]
            lost = watcher.token
    shutil.rmtree(data)
    shutil.copytree(backup, data)
    async with serving(kept) as (channel, client):
        for _ in range(2):
            async with watching(channel, resume_token=lost, **TWINS) as watcher:
                assert (await refused(watcher.next())).reason == "CHANGES_EXPIRED"
            await _create(client, "new", "newer")  # the second time, another version of them
        async with watching(channel, resume_token=lost, on_expired=messages.ON_EXPIRED_RESYNC, **TWINS) as watcher:
            assert (await watcher.next_but_checkpoints()).reset.reason == messages.Reset.REASON_SOURCE_GAP
            assert (await watcher.state())[0] == ["kept", "new", "newer"]
        async with watching(channel, resume_token=good, **TWINS) as watcher:
            assert (await watcher.told(4))[:2] == [(CREATED, "new"), (CREATED, "newer")]
