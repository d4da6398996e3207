"""Writes whose answers are lost, over an embedded service that loses them on demand.

The caller gets the success that was lost, with the true etag; never a conflict with a write of its own.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from localtwins.service import LocalTwins
from twinfront import (
    AsyncTwinfrontClient,
    DigitalTwin,
    EtagMismatchError,
    EventRoute,
    NotFoundError,
    OutcomeUnknownError,
    Relationship,
    TwinNotFoundError,
    ValidationFailedError,
    patch,
)
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .test_injected_faults import DOOR, LOBBY, ROOM, THERMOSTAT, furnish

Client = AsyncTwinfrontClient
Step = Callable[[Client], Awaitable[Any]]

APPLIED = ["lost", "lost=503", "lost=500"]
NOT_APPLIED = ["error=503", "error=500"]
LIFT = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Lift;1", "@type": "Interface"}
ATTIC = DigitalTwin(model_id="dtmi:example:Lift;1")
WIDE = Relationship(name="leadsTo", target_id="library", properties={"width": 2.5})


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Client, Callable[[str], None]]]:
    """A client, and what puts faults in force in the service behind its server."""
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", health_interval=3600.0)
    async with App(settings) as app, AsyncTwinfrontClient(str(app.address)) as client:
        close: Any = app.upstream._on_close
        service: LocalTwins = close.__self__
        yield client, service.inject


async def etag_of(client: Client, twin: str = "lobby") -> str:
    return (await client.get_digital_twin(twin)).etag


async def door_etag(client: Client) -> str:
    return (await client.get_relationship("lobby", "door")).etag


async def nothing(_client: Client) -> None:
    """Not every write needs a preparation."""


async def add_lift(client: Client) -> None:
    await client.create_models([LIFT])


async def add_route(client: Client) -> None:
    await client.create_or_replace_event_route("all", EventRoute("events"))


async def ended_job(client: Client) -> None:
    job = await client.create_import_job("old", "file:in.ndjson", "file:out.ndjson")
    while not job.finished:
        job = await client.get_import_job("old")


async def is_gone(reading: Awaitable[Any]) -> bool:
    try:
        await reading
    except NotFoundError:
        return True
    return False


async def update_if_match(client: Client) -> bool:
    etag = await client.update_digital_twin(
        "lobby", patch().replace("/temperature", 30.5), if_match=await etag_of(client)
    )
    twin = await client.get_digital_twin("lobby")
    return (twin.etag, twin["temperature"]) == (etag, 30.5)


async def update(client: Client) -> bool:
    etag = await client.update_digital_twin("lobby", patch().remove("/temperature"))
    twin = await client.get_digital_twin("lobby")
    return twin.etag == etag and "temperature" not in twin


async def replace(client: Client) -> bool:
    twin = await client.create_or_replace_digital_twin("lobby", {**LOBBY, "temperature": 5})
    return twin["temperature"] == 5 and twin == await client.get_digital_twin("lobby")


async def create(client: Client) -> bool:
    twin = await client.create_or_replace_digital_twin("attic", LOBBY, if_none_match=True)
    return twin == await client.get_digital_twin("attic")


async def delete(client: Client) -> bool:
    await client.create_or_replace_digital_twin("cellar", LOBBY)
    await client.delete_digital_twin("cellar", if_match=await etag_of(client, "cellar"))
    return await is_gone(client.get_digital_twin("cellar"))


async def update_component(client: Client) -> bool:
    etag = await client.update_component(
        "lobby", "thermostat", patch().add("/setpoint", 30.5), if_match=await etag_of(client)
    )
    component = await client.get_component("lobby", "thermostat")
    return (component.etag, component["setpoint"]) == (etag, 30.5)


async def connect(client: Client) -> bool:
    made = await client.create_or_replace_relationship("lobby", "gate", DOOR, if_none_match=True)
    return made == await client.get_relationship("lobby", "gate")


async def update_relationship(client: Client) -> bool:
    etag = await client.update_relationship(
        "lobby", "door", patch().replace("/width", 1.5), if_match=await door_etag(client)
    )
    door = await client.get_relationship("lobby", "door")
    return (door.etag, door["width"]) == (etag, 1.5)


async def disconnect(client: Client) -> bool:
    await client.delete_relationship("lobby", "door", if_match=await door_etag(client))
    return await is_gone(client.get_relationship("lobby", "door"))


async def create_models(client: Client) -> bool:
    [model] = await client.create_models([LIFT])
    return model == await client.get_model("dtmi:example:Lift;1")


async def decommission(client: Client) -> bool:
    await client.decommission_model("dtmi:example:Lift;1")
    return (await client.get_model("dtmi:example:Lift;1")).decommissioned


async def delete_model(client: Client) -> bool:
    await client.delete_model("dtmi:example:Lift;1")
    return await is_gone(client.get_model("dtmi:example:Lift;1"))


async def merge(client: Client) -> bool:
    merged = await client.merge_digital_twin("lobby", {"temperature": 1.5})
    twin = await client.get_digital_twin("lobby")
    return (twin.etag, twin["temperature"]) == (merged.etag, 1.5)


async def put_route(client: Client) -> bool:
    await client.create_or_replace_event_route("some", EventRoute("events", "false"))
    return (await client.get_event_route("some")).filter == "false"


async def delete_route(client: Client) -> bool:
    await client.delete_event_route("all")
    return await is_gone(client.get_event_route("all"))


async def create_job(client: Client) -> bool:
    job = await client.create_import_job("job", "file:in.ndjson", "file:out.ndjson")
    return job.input_blob_uri == "file:in.ndjson"


async def delete_job(client: Client) -> bool:
    await client.delete_import_job("old")
    return await is_gone(client.get_import_job("old"))


async def create_delete_job(client: Client) -> bool:
    return (await client.create_delete_job("all")).id == "all"


WRITES: list[tuple[str, Step, Callable[[Client], Awaitable[bool]]]] = [
    ("patch_digital_twin", nothing, update_if_match),
    ("patch_digital_twin", nothing, update),
    ("patch_digital_twin", nothing, merge),
    ("put_digital_twin", nothing, replace),
    ("put_digital_twin", nothing, create),
    ("delete_digital_twin", nothing, delete),
    ("patch_component", nothing, update_component),
    ("put_relationship", nothing, connect),
    ("patch_relationship", nothing, update_relationship),
    ("delete_relationship", nothing, disconnect),
    ("post_models", nothing, create_models),
    ("decommission_model", add_lift, decommission),
    ("delete_model", add_lift, delete_model),
    ("put_event_route", nothing, put_route),
    ("delete_event_route", add_route, delete_route),
    ("put_import_job", nothing, create_job),
    ("delete_import_job", ended_job, delete_job),
    ("post_delete_job", nothing, create_delete_job),
]


@pytest.fixture(autouse=True)
def _blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.ndjson").write_text('{"Section": "Header"}\n{"fileVersion": "1.0.0"}\n')
    monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(tmp_path))
    monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps({"events": f"file:{tmp_path / 'events.ndjson'}"}))


@pytest.mark.parametrize("fault", [*APPLIED, *NOT_APPLIED])
@pytest.mark.parametrize(("operation", "prepare", "write"), WRITES, ids=lambda part: getattr(part, "__name__", part))
async def test_a_lost_answer_is_settled(
    operation: str, prepare: Step, write: Callable[[Client], Awaitable[bool]], fault: str
):
    async with serving() as (client, inject):
        await furnish(client)
        await prepare(client)
        inject(f"{fault}:on={operation}:count=1")
        assert await write(client)


async def test_what_another_wrote_is_not_mistaken_for_ones_own():
    async with serving() as (client, inject):
        await furnish(client)
        etag = await etag_of(client)
        await client.update_digital_twin("lobby", patch().replace("/temperature", 7.5))
        inject("lost=503:on=patch_digital_twin:count=1")
        with pytest.raises(OutcomeUnknownError):
            await client.update_digital_twin("lobby", patch().replace("/temperature", 8.5), if_match=etag)
        assert (await client.get_digital_twin("lobby"))["temperature"] == 7.5


async def test_a_twin_of_somebody_elses_is_not_mistaken_for_ones_own():
    async with serving() as (client, inject):
        await furnish(client)
        inject("error=503:on=put_digital_twin:count=1")
        with pytest.raises(OutcomeUnknownError):
            await client.create_or_replace_digital_twin("lobby", {**LOBBY, "temperature": 1}, if_none_match=True)


async def test_a_true_refusal_is_still_one():
    async with serving() as (client, inject):
        await furnish(client)
        inject("error=503:on=patch_digital_twin:count=1")
        with pytest.raises(ValidationFailedError):
            await client.update_digital_twin("lobby", patch().replace("/temperature", "warm"))
        inject("error=503:on=patch_digital_twin:count=1")
        with pytest.raises(TwinNotFoundError):
            await client.update_digital_twin("nowhere", patch().replace("/temperature", 1.5))


async def test_telemetry_leaves_nothing_to_look_at():
    async with serving() as (client, inject):
        await furnish(client)
        inject("lost:on=publish_telemetry:count=1")
        with pytest.raises(OutcomeUnknownError):
            await client.publish_telemetry("lobby", {})


async def test_an_outage_that_lasts_leaves_the_outcome_unknown():
    async with serving() as (client, inject):
        await furnish(client)
        inject("error=503")
        with pytest.raises(OutcomeUnknownError):
            await client.update_digital_twin("lobby", patch().replace("/temperature", 1.5), timeout=3.0)


async def test_writers_who_lose_many_answers_lose_no_update():
    """Each adds one to a number under its etag: what is acknowledged is there exactly once."""
    async with serving() as (client, inject):
        await client.create_models([THERMOSTAT, ROOM])
        for number in range(4):
            await client.create_or_replace_digital_twin(f"room-{number}", {**LOBBY, "temperature": 0})
        inject("lost=503:on=patch_digital_twin:rate=0.3,error=503:on=patch_digital_twin:rate=0.2")

        async def add(room: str) -> int:
            """The only writer of its room, so that every conflict would be with itself."""
            acknowledged = 0
            for _ in range(25):
                twin = await client.get_digital_twin(room)
                try:
                    await client.update_digital_twin(
                        room, patch().replace("/temperature", twin["temperature"] + 1), if_match=twin.etag
                    )
                except EtagMismatchError as error:
                    pytest.fail(f"a conflict with nobody: {error}")
                except OutcomeUnknownError:
                    continue
                acknowledged += 1
            return acknowledged

        rooms = [f"room-{number}" for number in range(4)]
        acknowledged = await asyncio.gather(*map(add, rooms))
        assert [(await client.get_digital_twin(room))["temperature"] for room in rooms] == list(acknowledged)
        assert sum(acknowledged) > 90
