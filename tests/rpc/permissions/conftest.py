"""A server that asks who calls, an issuer whose tokens it takes, and callers that have them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from tests.rpc.access.issuer import Issuer

from twinfront_server.access.permissions import ROLES
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .caller import Caller
from .front import Front, Serve
from .plant import POLICY, Plant, build
from .policy_system import PolicyServer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def settings(issuer: Issuer) -> Settings:
    """Of a server that goes by the roles of its callers."""
    return Settings.of({"listen": "127.0.0.1:0", "metrics_listen": "none", "data_dir": ":memory:", **issuer.settings()})


@pytest.fixture
def caller(channel: grpc.aio.Channel, issuer: Issuer) -> Caller:
    return Caller(channel, issuer)


@pytest.fixture
async def plant(issuer: Issuer, settings: Settings, tmp_path: Path) -> AsyncIterator[Plant]:
    """The plant, behind a server that has a policy about it."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    kept = settings.changed(data_dir=str(tmp_path / "data"))
    async with App(kept) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        await build(Caller(channel, issuer).known_as("olga", *ROLES))
    with_policy = kept.changed(policy=str(file))
    async with App(with_policy) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        yield Plant.seen_by(Caller(channel, issuer))


@pytest.fixture
async def system() -> AsyncIterator[PolicyServer]:
    async with PolicyServer() as system:
        yield system


@pytest.fixture
def serve(settings: Settings, issuer: Issuer, system: PolicyServer) -> Serve:
    """Starts a server that asks the policy system, with further settings."""

    @asynccontextmanager
    async def served(**fields: Any) -> AsyncIterator[Front]:
        given = {"authorize": system.url, "authorize_timeout": 5.0} | fields
        async with (
            App(settings.changed(**given)) as app,
            grpc.aio.insecure_channel(str(app.address)) as channel,
        ):
            yield Front(app, Caller(channel, issuer))

    return served
