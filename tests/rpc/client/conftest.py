"""Both clients, connected to a server that answers as a test says, or to a real one."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import grpc
import pytest

from twinfront import AsyncTwinCache, AsyncTwinfrontClient, TwinfrontClient
from twinfront_server.app import App

from .awaited import Awaited, AwaitedCache, Connect
from .scripted_caches import SPECIAL, MakeCache, models
from .scripted_changes import MODEL
from .scripted_server import ScriptedServer


@pytest.fixture
def make_scripted() -> Iterator[Callable[..., ScriptedServer]]:
    servers: list[ScriptedServer] = []

    def make(credentials: grpc.ServerCredentials | None = None, port: int = 0) -> ScriptedServer:
        servers.append(ScriptedServer(credentials, port))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def scripted(make_scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return make_scripted()


@pytest.fixture(params=["sync", "async"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    clients: list[AsyncTwinfrontClient] = []

    def make(target: str, **kwargs: Any) -> AsyncTwinfrontClient:
        if request.param == "async":
            client = AsyncTwinfrontClient(target, **kwargs)
        else:
            client = cast("AsyncTwinfrontClient", Awaited(TwinfrontClient(target, **kwargs)))
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def client(server: App, connect: Connect) -> AsyncTwinfrontClient:
    """Either client, connected to a server on an empty embedded service."""
    return connect(str(server.address))


@pytest.fixture
def scripted_client(scripted: ScriptedServer, connect: Connect) -> AsyncTwinfrontClient:
    return connect(scripted.target)


@pytest.fixture
def make_cache(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> MakeCache:
    """Makes a cache of either client."""
    scripted.answers["ListModels"] = models({MODEL: (), SPECIAL: (MODEL,)})

    def make(**arguments: Any) -> AsyncTwinCache:
        if isinstance(scripted_client, Awaited):
            made: Any = AwaitedCache(scripted_client, **arguments)
            return made
        return AsyncTwinCache(scripted_client, **arguments)

    return make
