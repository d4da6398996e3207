"""Servers with an identity endpoint, in the process and as one of their own, and the variables for their clients."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localtwins import LocalTwins
from localtwins.http_server import HttpServer
from localtwins.identity.endpoint import IdentityServer
from localtwins.settings import Settings
from twinfront_program.address import Address
from twinfront_program.log import library_logger

from ..serving import Server, serving, sourced

SECRET = "the-secret"


@dataclass(frozen=True)
class Identity:
    """What a program is told."""

    server: Server
    variables: dict[str, str]

    @property
    def endpoint(self) -> str:
        return self.variables["IDENTITY_ENDPOINT"]


@pytest.fixture
async def endpoint() -> AsyncIterator[IdentityServer]:
    """The endpoint alone, in this process; its secret is SECRET."""
    server = IdentityServer(Address("127.0.0.1", 0), SECRET, "none", library_logger(__name__))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def managed() -> AsyncIterator[HttpServer]:
    """A service that answers for management too, in this process, in the clear."""
    settings = Settings(listen="127.0.0.1:0", identity="127.0.0.1:0", shutdown_seconds=0, log_requests="none")
    service = await LocalTwins.open(":memory:", settings)
    server = HttpServer(service, settings)
    await server.start()
    yield server
    await server.stop()
    await service.close()


@pytest.fixture
async def identity(tmp_path: Path) -> AsyncIterator[Identity]:
    file = tmp_path / "local.env"
    words = ["--data-dir", str(tmp_path / "data"), "--identity", "127.0.0.1:0", "--env-file", str(file)]
    async with serving(*words) as server:
        yield Identity(server, await sourced(file))
