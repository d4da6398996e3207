"""The upstreams whose changes are watched: what each of them needs, and what it does not tell."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import orjson
import pytest
from tests.changes.event_hub import Hub
from tests.localtwins.events.webhook import Webhook

from localtwins import LocalTwins
from localtwins import Settings as LocalSettings
from localtwins.http_server import HttpServer
from twinfront.v1 import event_route_service_pb2 as routes
from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceStub

HUB = "eventhub://twins.servicebus.windows.net/twins"


@dataclass(frozen=True)
class Source:
    """An upstream, as tests know it.

    A test with the mark `source_that(tells_jobs=True)` runs over those alone that tell of jobs.

    Attributes:
        name: what tests call it.
        tells_models: whether it tells of models.
        tells_jobs: whether it tells of what jobs write.
        tells_etags: whether changes have etags.
        tells_models_of_sources: whether a relationship that is created or deleted comes with the model of its source.
        tells_what_was_before: whether another model, target or name comes with the one before.
        outlives_server: whether it is the same for all servers that are started with these settings.
        is_exact: whether pages of the state say which changes they have in them.
        is_fed: whether an event route has to bring changes there, which takes a while.
    """

    name: str
    tells_models: bool = True
    tells_jobs: bool = True
    tells_etags: bool = True
    tells_models_of_sources: bool = True
    tells_what_was_before: bool = True
    outlives_server: bool = False
    is_exact: bool = True
    is_fed: bool = False


def fed(name: str) -> Source:
    """An upstream with an event route to the source of changes: it tells what Azure Digital Twins would."""
    return Source(
        name,
        tells_models_of_sources=False,
        tells_what_was_before=False,
        outlives_server=True,
        tells_models=False,
        tells_jobs=False,
        tells_etags=False,
        is_exact=False,
        is_fed=True,
    )


SOURCES = (Source("embedded"), Source("elsewhere", outlives_server=True), fed("kafka"), fed("event hub"))


async def feed(channel: grpc.aio.Channel) -> None:
    """Makes the event route."""
    route = routes.EventRoute(endpoint_name="source", filter="true")
    await EventRouteServiceStub(channel).CreateOrReplaceEventRoute(
        routes.CreateOrReplaceEventRouteRequest(event_route_id="source", event_route=route)
    )


@asynccontextmanager
async def elsewhere(targets: Mapping[str, str]) -> AsyncIterator[str]:
    """Runs a localtwins that is reached over HTTP, and gives its URL."""
    settings = LocalSettings.load({"listen": "127.0.0.1:0", "endpoint": dict(targets)})
    service = await LocalTwins.open(":memory:", settings)
    server = HttpServer(service, settings)
    await server.start()
    yield server.url
    await server.stop()
    await service.close()


async def topic(request: pytest.FixtureRequest) -> str:
    """Makes a topic, and gives its URL. With one partition it has all changes in order."""
    broker = request.getfixturevalue("broker")
    return f"kafka://{broker.address}/{await broker.topic()}"


def hub_in_memory(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Puts an Event Hub in memory in place of that of `HUB`."""
    hub = Hub(begin=None)
    monkeypatch.setattr("azure.eventhub.aio.EventHubConsumerClient", lambda *_, **__: hub.connect())
    return hub


@asynccontextmanager
async def fed_hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Gives the URL of a webhook that feeds the Event Hub of `HUB`."""
    hub = hub_in_memory(monkeypatch)

    async def take(event: dict[str, Any]) -> int:
        data = event.pop("data")
        hub.add({f"cloudEvents:{name}": value for name, value in event.items()}, orjson.dumps(data))
        return 200

    async with Webhook() as webhook:
        webhook.answer = take
        yield webhook.url
