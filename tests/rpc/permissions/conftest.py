"""A server that asks who calls, and callers whom it knows."""

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest

from twinfront_server import app
from twinfront_server.access.file_policy import FilePolicy
from twinfront_server.access.grants import Policy
from twinfront_server.access.policy_document import parse_policy
from twinfront_server.access.policy_text import parse_yaml
from twinfront_server.access.principal import Principal
from twinfront_server.app import App
from twinfront_server.interceptors.chain import Chain
from twinfront_server.settings import Settings

from .caller import PRINCIPAL_KEY, Caller
from .plant import Plant


class NamedCallers:
    """Believes a call's metadata: `alice reader,writer`, roles or groups."""

    async def authenticate(self, *given: Any) -> Principal:
        metadata = dict(given[-1].invocation_metadata())
        name, _, words = str(metadata[PRINCIPAL_KEY]).partition(" ")
        said = frozenset(words.split(","))
        return Principal(name, "jwt", said, said)


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Policy | None:
    """The policy of the text that a test is parametrised with; without one the roles decide."""
    text = getattr(request, "param", None)
    return None if text is None else FilePolicy(parse_policy(parse_yaml(text)), {"jwt"})


@pytest.fixture
async def server(settings: Settings, policy: Policy | None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    def chain(*arguments: Any) -> Chain:
        return Chain(*arguments[:4], NamedCallers(), policy)  # type: ignore[call-arg]

    monkeypatch.setattr(app, "Chain", chain)
    async with App(settings) as served:
        yield served


@pytest.fixture
def caller(channel: grpc.aio.Channel) -> Caller:
    return Caller(channel)


@pytest.fixture
async def plant(caller: Caller) -> Plant:
    return await Plant.built(caller)
