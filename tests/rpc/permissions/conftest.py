"""A server that asks who calls, and callers whom it knows."""

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest

from twinfront_server import app
from twinfront_server.access.principal import Principal
from twinfront_server.app import App
from twinfront_server.interceptors.chain import Chain
from twinfront_server.settings import Settings

from .caller import PRINCIPAL_KEY, Caller


class NamedCallers:
    """Believes a call's metadata: `alice reader,writer`."""

    async def authenticate(self, context: Any) -> Principal:
        name, _, roles = str(dict(context.invocation_metadata())[PRINCIPAL_KEY]).partition(" ")
        return Principal(name, "jwt", frozenset(roles.split(",")))


@pytest.fixture
async def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    def chain(*arguments: Any) -> Chain:
        return Chain(*arguments[:4], NamedCallers())  # type: ignore[call-arg]

    monkeypatch.setattr(app, "Chain", chain)
    async with App(settings) as served:
        yield served


@pytest.fixture
def caller(channel: grpc.aio.Channel) -> Caller:
    return Caller(channel)
