"""A deletion by a caller who is limited by models, whose server was killed before it told how it ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from tests.rpc.access.issuer import Issuer
from tests.rpc.serving.redis_process import RedisProcess

from twinfront_server.access.permissions import ROLES
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .caller import Caller, method_named
from .plant import POLICY, Plant, build

DELETIONS: dict[str, dict[str, Any]] = {
    "DeleteDigitalTwin": {"digital_twin_id": "a-hall"},
    "DeleteRelationship": {"digital_twin_id": "a-room", "relationship_id": "out"},
}


@pytest.mark.parametrize("name", DELETIONS)
async def test_a_deletion_that_was_applied_is_not_told_to_be_out_of_bounds(
    settings: Settings, issuer: Issuer, redis: RedisProcess, tmp_path: Path, name: str
):
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    kept = settings.changed(data_dir=str(tmp_path / "data"))
    shared = kept.changed(policy=str(file), outcomes=redis.url, outcomes_timeout=5.0)

    @asynccontextmanager
    async def plant(settings: Settings) -> AsyncIterator[Plant]:
        async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
            yield Plant.seen_by(Caller(channel, issuer))

    async with plant(kept) as seen:
        owner = seen.owner.known_as("olga", *ROLES)
        await build(owner)
        await owner.ask("DeleteRelationship", digital_twin_id="a-room", relationship_id="in")
    fields = DELETIONS[name] | {"request_id": "id"}
    async with plant(shared) as seen:
        assert await seen.spaces.reason(method_named(name), **fields) == ""
    redis.lose_outcome()
    async with plant(shared) as seen:
        assert await seen.spaces.reason(method_named(name), **fields) == "OUTCOME_UNKNOWN"
        assert await seen.spaces.reason(method_named(name), **DELETIONS[name]) == "CALLER_NOT_PERMITTED"
