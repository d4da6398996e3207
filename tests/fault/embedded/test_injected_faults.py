"""The front over the embedded service with faults on demand: an outage as its users rehearse it at home."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from twinfront import (
    AsyncTwinfrontClient,
    DeadlineExceededError,
    Relationship,
    UnavailableError,
    patch,
)
from twinfront_server.app import App
from twinfront_server.settings import Settings

ROOM = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:Room;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {
            "@type": "Relationship",
            "name": "leadsTo",
            "properties": [{"@type": "Property", "name": "width", "schema": "double"}],
        },
        {"@type": "Component", "name": "thermostat", "schema": "dtmi:example:Thermostat;1"},
    ],
}
THERMOSTAT = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:Thermostat;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "setpoint", "schema": "double"}],
}
LOBBY = {"$metadata": {"$model": "dtmi:example:Room;1"}, "temperature": 20.5, "thermostat": {"$metadata": {}}}
DOOR = Relationship(name="leadsTo", target_id="library", properties={"width": 0.9})

Client = AsyncTwinfrontClient


@asynccontextmanager
async def serving(monkeypatch: pytest.MonkeyPatch, faults: str) -> AsyncIterator[Client]:
    """A client of a server whose embedded service has the faults."""
    monkeypatch.setenv("LOCALTWINS_INJECT", faults)
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", health_interval=3600.0)
    async with App(settings) as app, AsyncTwinfrontClient(str(app.address)) as client:
        yield client


async def furnish(client: Client) -> None:
    """Two rooms with a door between them."""
    await client.create_models([THERMOSTAT, ROOM])
    await client.create_or_replace_digital_twin("lobby", LOBBY)
    await client.create_or_replace_digital_twin("library", LOBBY)
    await client.create_or_replace_relationship("lobby", "door", DOOR)


async def test_reads_ride_over_a_short_outage(monkeypatch: pytest.MonkeyPatch):
    async with serving(monkeypatch, "error=503:on=get_digital_twin:count=2") as client:
        await furnish(client)
        assert (await client.get_digital_twin("lobby"))["temperature"] == 20.5


async def test_an_outage_that_lasts_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    async with serving(monkeypatch, "error=503:on=get_digital_twin") as client:
        await furnish(client)
        with pytest.raises(UnavailableError) as raised:
            await client.get_digital_twin("lobby")
        assert raised.value.reason == "UPSTREAM_UNAVAILABLE"


async def test_a_throttled_write_is_sent_again_when_the_service_said(monkeypatch: pytest.MonkeyPatch):
    async with serving(monkeypatch, "throttle=1:on=patch_digital_twin:count=1") as client:
        await furnish(client)
        await client.update_digital_twin("lobby", patch().replace("/temperature", 1.5))
        assert (await client.get_digital_twin("lobby"))["temperature"] == 1.5


async def test_a_slow_upstream_does_not_outlast_the_callers_deadline(monkeypatch: pytest.MonkeyPatch):
    async with serving(monkeypatch, "latency=60s:on=get_digital_twin") as client:
        await furnish(client)
        with pytest.raises(DeadlineExceededError):
            await client.get_digital_twin("lobby", timeout=0.5)
