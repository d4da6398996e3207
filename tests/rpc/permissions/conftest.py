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

    async def authenticate(self, metadata: Any, _context: Any) -> Principal:
        name, _, roles = str(dict(metadata)[PRINCIPAL_KEY]).partition(" ")
        return Principal(name, "jwt", frozenset(roles.split(",")))

    async def refuse(self, _headers: Any) -> None:
        """Lets everybody have the metrics."""


@pytest.fixture
async def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    def chain(*arguments: Any) -> Chain:
        settings, metrics, log, require_validation, _ = arguments
        return Chain(settings, metrics, log, require_validation, NamedCallers())

    monkeypatch.setattr(app, "Chain", chain)
    async with App(settings) as served:
        yield served


@pytest.fixture
def caller(channel: grpc.aio.Channel) -> Caller:
    return Caller(channel)
