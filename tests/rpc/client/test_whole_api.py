"""The calls beyond single resources, by either client: queries, merges, batches, graphs, telemetry, routes, jobs."""

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from twinfront import (
    AlreadyExistsError,
    AsyncTwinfrontClient,
    CreateOrReplace,
    Delete,
    DigitalTwin,
    EtagMismatchError,
    EventRoute,
    EventRouteNotFoundError,
    InvalidArgumentError,
    JobNotFoundError,
    JobStatus,
    Merge,
    PermissionDecision,
    QueryInvalidError,
    Relationship,
    TwinNotFoundError,
    Update,
    patch,
)
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .awaited import Connect

MODEL = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:Room;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "temperature", "schema": "double"},
        {"@type": "Property", "name": "visits", "schema": "long"},
        {
            "@type": "Property",
            "name": "size",
            "schema": {"@type": "Object", "fields": [{"name": "width", "schema": "double"}]},
        },
        {"@type": "Relationship", "name": "leadsTo"},
    ],
}
ROOM = "dtmi:example:Room;1"
Client = AsyncTwinfrontClient


@pytest.fixture
def blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "blobs"
    folder.mkdir()
    monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(folder))
    monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps({"events": f"file:{folder / 'events.ndjson'}"}))
    return folder


@pytest.fixture
def settings(settings: Settings, blobs: Path) -> Settings:
    assert blobs.is_dir()
    return settings


def room(name: str, **properties: Any) -> DigitalTwin:
    return DigitalTwin(id=name, model_id=ROOM, properties=properties)


def door(source: str, target: str) -> Relationship:
    return Relationship(id=f"to-{target}", source_id=source, target_id=target, name="leadsTo")


async def furnish(client: Client, rooms: int = 3) -> None:
    """Rooms in a row, each with a door to the next."""
    names = [f"room-{number}" for number in range(rooms)]
    twins = [room(name, visits=number) for number, name in enumerate(names)]
    doors = [door(source, target) for source, target in itertools.pairwise(names)]
    reports = [report async for report in client.import_graph([MODEL, *twins, *doors])]
    assert [result.error for report in reports for result in report.results if result.error] == []
    assert reports[-1].progress.acknowledged_count == 2 * rooms


async def test_a_query_is_read_page_by_page(client: Client):
    await furnish(client, 5)
    rows = [row async for row in client.query("SELECT * FROM digitaltwins", page_size=2)]
    assert sorted(DigitalTwin.from_dict(row).id for row in rows) == [f"room-{n}" for n in range(5)]
    [page] = [page async for page in client.query("SELECT COUNT() FROM digitaltwins").pages()]
    assert page.items == [{"COUNT": 5}]
    assert page.query_charge > 0  # type: ignore[attr-defined]  # pages of queries have it


async def test_a_query_is_read_as_a_stream(client: Client):
    await furnish(client, 5)
    rows = [row async for row in client.stream_query("SELECT T.visits FROM digitaltwins T", view="basic")]
    assert sorted(row["visits"] for row in rows) == list(range(5))


async def test_a_stream_can_be_left(client: Client, server: App):
    await furnish(client)
    async with aclosing(client.stream_query("SELECT * FROM digitaltwins")) as rows:  # type: ignore[type-var]
        await anext(rows)
    await server._chain.in_flight.idle()


async def test_a_wrong_query_is_refused(client: Client):
    with pytest.raises(QueryInvalidError):
        await anext(aiter(client.query("SELECT")))
    with pytest.raises(QueryInvalidError):
        await anext(client.stream_query("SELECT"))


async def test_a_merge_sets_what_was_never_set(client: Client):
    await furnish(client)
    merged = await client.merge_digital_twin("room-0", {"size": {"width": 2.5}, "visits": None})
    assert merged.changed
    twin = await client.get_digital_twin("room-0", allow_stale=True)
    assert (twin.properties, twin.etag) == ({"size": {"width": 2.5}}, merged.etag)
    assert not (await client.merge_digital_twin("room-0", {"size": {"width": 2.5}})).changed
    with pytest.raises(EtagMismatchError):
        await client.merge_digital_twin("room-0", {"visits": 3}, if_match='W/"old"')


async def test_a_replacement_under_a_condition(client: Client):
    await furnish(client)
    twin = await client.get_digital_twin("room-0")
    replaced = await client.create_or_replace_digital_twin("room-0", room("room-0", visits=9), if_match=twin.etag)
    assert replaced["visits"] == 9
    with pytest.raises(EtagMismatchError):
        await client.create_or_replace_digital_twin("room-0", room("room-0"), if_match=twin.etag)


async def test_a_deletion_with_relationships(client: Client):
    await furnish(client)
    deleted = await client.delete_digital_twin("room-1", relationships="detach")
    assert (deleted.outgoing_relationships, deleted.incoming_relationships) == (1, 1)
    with pytest.raises(TwinNotFoundError):
        await client.get_digital_twin("room-1")


async def test_batches_are_written_and_read(client: Client):
    await furnish(client)
    found = await client.batch_get_digital_twins(["room-2", "nowhere", "room-0"])
    assert [twin.id for twin in found.digital_twins] == ["room-2", "room-0"]
    assert (found.missing, found.not_permitted) == (["nowhere"], [])
    results = await client.batch_write_digital_twins(
        [
            CreateOrReplace("room-9", room("room-9"), if_none_match=True),
            CreateOrReplace("room-0", room("room-0"), if_none_match=True),
            Update("room-1", patch().replace("/visits", 5)),
            Merge("room-2", {"visits": "many"}),
            Delete("nowhere", relationships="detach"),
        ]
    )
    assert [result.error.reason if result.error else "" for result in results] == [
        "",
        "TWIN_ALREADY_EXISTS",
        "",
        "VALIDATION_FAILED",
        "TWIN_NOT_FOUND",
    ]
    assert isinstance(results[1].error, AlreadyExistsError)
    assert results[2].etag == (await client.get_digital_twin("room-1")).etag


async def test_a_dry_run_writes_nothing_and_a_repeated_write_is_written_once(client: Client):
    await furnish(client)
    before = await client.get_digital_twin("room-0")
    await client.update_digital_twin("room-0", patch().replace("/visits", 7), validate_only=True)
    assert await client.get_digital_twin("room-0") == before
    etags = {
        await client.update_digital_twin("room-0", patch().replace("/visits", 7), request_id="once") for _ in range(2)
    }
    assert etags == {(await client.get_digital_twin("room-0")).etag}


async def test_a_graph_goes_out_and_comes_in_again(client: Client, connect: Connect, settings: Settings):
    await furnish(client)
    text = b"".join([chunk async for chunk in client.export_graph_text()])
    async with App(settings) as other:
        second = connect(str(other.address))
        pieces = [text[start : start + 100] for start in range(0, len(text), 100)]
        reports = [report async for report in second.import_graph_text(pieces, failures_only=True)]
        progress = reports[-1].progress
        assert (progress.models_imported, progress.digital_twins_imported, progress.failed) == (1, 3, 0)
        assert (await second.get_digital_twin("room-2"))["visits"] == 2


async def test_a_bad_item_is_reported_with_its_error(client: Client):
    await furnish(client)
    items: list[Any] = [
        room("room-7"),
        {"$dtId": "room-8", "$metadata": {"$model": "dtmi:none;1"}},
        door("room-7", "room-0"),
    ]
    results = {result.index: result async for report in client.import_graph(items) for result in report.results}
    assert [results[index].error is None for index in range(3)] == [True, False, True]
    assert results[1].resource == "digitaltwins/room-8"
    assert results[1].error is not None
    assert results[1].error.reason == "VALIDATION_FAILED"


async def test_what_the_callers_items_raise_reaches_the_caller(client: Client):
    def items() -> Iterator[DigitalTwin]:
        yield room("room-0")
        raise LookupError("no more rooms")

    with pytest.raises(LookupError, match="no more rooms"):
        async for _ in client.import_graph(items()):
            pass


async def test_items_may_come_asynchronously(server: App):
    async def items() -> AsyncIterator[Any]:
        yield MODEL
        yield room("room-0")

    async with AsyncTwinfrontClient(str(server.address)) as client:
        reports = [report async for report in client.import_graph(items())]
        assert reports[-1].progress.digital_twins_imported == 1


async def test_telemetry_is_published(client: Client):
    await furnish(client)
    now = datetime.now(UTC)
    assert await client.publish_telemetry("room-0", {"motion": True}, message_id="m", source_time=now) == "m"
    assert await client.publish_telemetry("room-0", [1, 2])
    with pytest.raises(ValueError, match="time zone"):
        await client.publish_telemetry("room-0", {}, source_time=now.replace(tzinfo=None))


async def test_event_routes_are_created_listed_and_deleted(client: Client):
    await client.create_or_replace_event_route("all", EventRoute("events"))
    assert await client.get_event_route("all") == EventRoute("events", "true", "all")
    assert [route.id async for route in client.list_event_routes()] == ["all"]
    await client.delete_event_route("all")
    with pytest.raises(EventRouteNotFoundError):
        await client.get_event_route("all")


async def test_jobs_are_created_listed_and_deleted(client: Client, blobs: Path):
    (blobs / "in.ndjson").write_text('{"Section": "Header"}\n{"fileVersion": "1.0.0"}\n')
    job = await client.create_import_job("job", "file:in.ndjson", "file:out.ndjson")
    while not job.finished:
        job = await client.get_import_job("job")
    assert (job.status, job.input_blob_uri) == (JobStatus.SUCCEEDED, "file:in.ndjson")
    assert [each.id async for each in client.list_import_jobs()] == ["job"]
    await client.delete_import_job("job")
    with pytest.raises(JobNotFoundError):
        await client.cancel_import_job("job")
    deletion = await client.create_delete_job()
    while not deletion.finished:
        deletion = await client.get_delete_job(deletion.id)
    assert [each.status async for each in client.list_delete_jobs()] == [JobStatus.SUCCEEDED]


async def test_a_caller_asks_what_it_may_do(client: AsyncTwinfrontClient):
    read, write = "DigitalTwinService/GetDigitalTwin", "twinfront.v1.DigitalTwinService/UpdateDigitalTwin"
    everything = PermissionDecision(permitted=True, limited=False)
    assert await client.check_permissions([read, (write, "room")]) == [everything, everything]
    with pytest.raises(InvalidArgumentError):
        await client.check_permissions(["DigitalTwinService/Burn"])
