"""Dry runs: a request with `localtwins-validate-only: true` is answered as always and changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.digitaltwins.core.aio import DigitalTwinsClient

from localtwins import LocalTwins, Settings
from localtwins.transport import LocalTransport

from .adt import MACHINE_TWIN, MODELS, ROOM_TWIN, SPACE_TWIN, Adt, Answer, add, replace
from .serving import serving
from .test_sdk import AsyncCredential

DRY = {"localtwins_validate_only": "true"}
HONOURED = "localtwins-validated-only"
STALE = 'W/"00000000-0000-0000-0000-000000000000"'
EDGE = {"$targetId": "hall", "$relationshipName": "linkedTo"}
PUMP = {"@id": "dtmi:test:Pump;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}
ROUTE = {"endpointName": "sink", "filter": "true"}

Write = tuple[str, str, Any, dict[str, str]]

DONE: dict[str, Write] = {
    "create a twin": ("PUT", "/digitaltwins/new", ROOM_TWIN, {"if_none_match": "*"}),
    "replace a twin": ("PUT", "/digitaltwins/room", SPACE_TWIN, {}),
    "patch a twin": ("PATCH", "/digitaltwins/room", [replace("/temperature", 21)], {"if_match": "*"}),
    "delete a twin": ("DELETE", "/digitaltwins/machine", None, {}),
    "patch a component": ("PATCH", "/digitaltwins/room/components/sensor", [add("/unit", "C")], {}),
    "create a relationship": ("PUT", "/digitaltwins/room/relationships/new", EDGE, {}),
    "patch a relationship": ("PATCH", "/digitaltwins/room/relationships/old", [], {}),
    "delete a relationship": ("DELETE", "/digitaltwins/room/relationships/old", None, {}),
    "create models": ("POST", "/models", [PUMP], {}),
    "decommission a model": ("PATCH", "/models/dtmi:test:Machine;1", [replace("/decommissioned", True)], {}),
    "delete a model": ("DELETE", "/models/dtmi:test:Spare;1", None, {}),
    "publish telemetry": ("POST", "/digitaltwins/room/telemetry", {"noise": 1}, {"message_id": "m"}),
    "publish a component's telemetry": (
        *("POST", "/digitaltwins/room/components/sensor/telemetry", {}, {"message_id": "m"}),
    ),
    "put an event route": ("PUT", "/eventroutes/new", ROUTE, {}),
    "delete an event route": ("DELETE", "/eventroutes/old", None, {}),
    "create an import job": (
        *("PUT", "/jobs/imports/job", {"inputBlobUri": "file:in.ndjson", "outputBlobUri": "file:out"}, {}),
    ),
    "create a delete job": ("POST", "/jobs/deletions", None, {"operation_id": "job"}),
}
REFUSED: dict[str, tuple[Write, str]] = {
    "a twin that exists": (
        ("PUT", "/digitaltwins/room", ROOM_TWIN, {"if_none_match": "*"}),
        "PreconditionFailed",
    ),
    "a twin that does not fit its model": (
        ("PATCH", "/digitaltwins/room", [add("/temperature", "warm")], {}),
        "ValidationFailed",
    ),
    "a stale etag": (("PATCH", "/digitaltwins/room", [], {"if_match": STALE}), "PreconditionFailed"),
    "a twin with relationships": (("DELETE", "/digitaltwins/hall", None, {}), "RelationshipsNotDeleted"),
    "a target that is not there": (
        ("PUT", "/digitaltwins/room/relationships/new", EDGE | {"$targetId": "nobody"}, {}),
        "TargetDigitalTwinNotFound",
    ),
    "a model that exists": (("POST", "/models", [PUMP, MODELS[0]], {}), "ModelIdAlreadyExists"),
    "a model that others need": (("DELETE", "/models/dtmi:test:Sensor;1", None, {}), "ModelReferencesNotDeleted"),
    "telemetry of nobody": (
        ("POST", "/digitaltwins/nobody/telemetry", {}, {"message_id": "m"}),
        "DigitalTwinNotFound",
    ),
    "a job that is not there": (("POST", "/jobs/imports/nope/cancel", None, {}), "JobNotFound"),
}


@pytest.fixture
async def adt(tmp_path: Path) -> AsyncIterator[Adt]:
    """A graph, an event route and an input for an import job, on disk."""
    (tmp_path / "in.ndjson").write_text('{"Section": "Header"}\n{"fileVersion": "1.0.0"}\n')
    settings = Settings(jobs_dir=str(tmp_path), endpoint={"sink": f"file:{tmp_path / 'events'}"})
    service = await LocalTwins.open(tmp_path / "data", settings)
    adt = Adt(service)
    await adt.post("/models", [*MODELS, PUMP | {"@id": "dtmi:test:Spare;1"}])
    for twin_id, twin in {"room": ROOM_TWIN, "hall": SPACE_TWIN, "machine": MACHINE_TWIN}.items():
        await adt.put(f"/digitaltwins/{twin_id}", twin)
    await adt.put("/digitaltwins/room/relationships/old", EDGE)
    assert (await adt.put("/eventroutes/old", ROUTE)).status == 204
    yield adt
    await service.close()


def stored(adt: Adt) -> dict[str, list[Any]]:
    """All rows of all tables, save how far the clock has come and how far events are delivered."""
    connection = adt.service._database.read._connection
    schema = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    tables = [bytes(name).decode() for (name,) in schema]
    rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables if table != "clock"}
    rows["event_routes"] = connection.execute("SELECT id, endpoint_name, filter FROM event_routes").fetchall()
    return rows


async def send(adt: Adt, write: Write, **more: str) -> Answer:
    method, target, body, headers = write
    return await adt.send(method, target, body, **headers, **more)


def shape(answer: Answer) -> tuple[int, set[str], Any]:
    """What must be the same of two answers; etags and times cannot."""
    body = answer.body
    if isinstance(body, list):
        body = [{name: item for name, item in model.items() if name != "uploadTime"} for model in body]
    elif isinstance(body, dict):
        volatile = ("$etag", "$metadata", "sensor")
        body = {name: item for name, item in body.items() if name not in volatile and not name.endswith("DateTime")}
    return answer.status, set(answer.headers) - {HONOURED}, body


@pytest.mark.parametrize("write", DONE.values(), ids=DONE)
async def test_a_dry_run_answers_as_the_write_does_and_changes_nothing(adt: Adt, write: Write):
    before = stored(adt)
    rehearsed = await send(adt, write, **DRY)
    assert rehearsed.status < 300, rehearsed
    assert rehearsed.headers[HONOURED] == "true"
    assert stored(adt) == before
    done = await send(adt, write)
    assert HONOURED not in done.headers
    assert shape(done) == shape(rehearsed)
    assert stored(adt) != before


@pytest.mark.parametrize(("write", "code"), REFUSED.values(), ids=REFUSED)
async def test_a_dry_run_is_refused_as_the_write_is(adt: Adt, write: Write, code: str):
    before = stored(adt)
    rehearsed = await send(adt, write, **DRY)
    assert rehearsed.code == code
    assert rehearsed.headers[HONOURED] == "true"
    assert shape(await send(adt, write)) == shape(rehearsed)
    assert stored(adt) == before


async def test_every_answer_says_that_it_was_a_dry_run(adt: Adt):
    answers = [
        await adt.get("/digitaltwins/room", **DRY),
        await adt.get("/nowhere", **DRY),
        await adt.post("/digitaltwins/room", None, **DRY),
        await adt.put("/digitaltwins/new", b"{", **DRY),
        await Adt(adt.service, "1999-12-31").get("/models", **DRY),
    ]
    assert [answer.status for answer in answers] == [200, 404, 405, 400, 400]
    assert all(answer.headers[HONOURED] == "true" for answer in answers)


@pytest.mark.parametrize("value", ["false", "1", "True", "", "yes\udc80"])
async def test_a_value_of_the_header_of_dry_runs_other_than_true_or_false_is_refused(adt: Adt, value: str):
    before = stored(adt)
    answer = await adt.delete("/digitaltwins/machine", localtwins_validate_only=value)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "localtwins-validate-only" in answer.message
    assert stored(adt) == before


async def test_dry_runs_do_not_see_each_other(adt: Adt):
    assert (await adt.put("/digitaltwins/new", ROOM_TWIN, **DRY)).status == 200
    assert (await adt.delete("/digitaltwins/new", **DRY)).code == "DigitalTwinNotFound"
    assert (await adt.post("/models", [PUMP], **DRY)).status == 201
    twin = {"$metadata": {"$model": "dtmi:test:Pump;1"}}
    assert (await adt.put("/digitaltwins/pump", twin)).code == "ValidationFailed"


async def test_writes_and_dry_runs_at_the_same_time_are_kept_apart(adt: Adt):
    """Some of them run under the same commit."""
    writes = (
        adt.put(f"/digitaltwins/{name}-{number}", MACHINE_TWIN, **headers)
        for number in range(50)
        for name, headers in (("dry", DRY), ("kept", {}))
    )
    assert {answer.status for answer in await asyncio.gather(*writes)} == {200}
    for name, count in (("dry", 0), ("kept", 50)):
        query = f"SELECT COUNT() FROM DIGITALTWINS T WHERE STARTSWITH(T.$dtId, '{name}')"
        assert (await adt.post("/query", {"query": query})).body["value"] == [{"COUNT": count}]


async def test_a_dry_run_takes_back_what_it_did_under_an_injected_fault(adt: Adt):
    before = stored(adt)
    adt.service.inject("lost=503:on=writes")
    answer = await adt.delete("/digitaltwins/machine", **DRY)
    assert (answer.status, answer.headers[HONOURED]) == (503, "true")
    assert stored(adt) == before


async def test_the_sdk_asks_for_a_dry_run_with_a_header_of_its_own(adt: Adt):
    answers: list[str | None] = []
    async with DigitalTwinsClient(
        "https://localhost", AsyncCredential(), transport=LocalTransport(adt.service)
    ) as client:
        await client.delete_digital_twin(
            "machine",
            headers={"localtwins-validate-only": "true"},
            raw_response_hook=lambda response: answers.append(response.http_response.headers.get(HONOURED)),
        )
        assert (await client.get_digital_twin("machine"))["$dtId"] == "machine"
    assert answers == ["true"]


async def test_dry_runs_are_answered_over_http():
    words = ("--http", "--data-dir", ":memory:", "--max-request-bytes", "100000")
    async with serving(*words) as server, aiohttp.ClientSession(server.url) as http:
        target = "/models?api-version=2023-10-31"
        async with http.post(target, json=MODELS, headers={"localtwins-validate-only": "true"}) as answer:
            assert (answer.status, answer.headers[HONOURED]) == (201, "true")
        async with http.get(target) as answer:
            assert (await answer.json())["value"] == []
        async with http.post(target, data=b" " * 100_001, headers={"localtwins-validate-only": "true"}) as answer:
            assert (answer.status, answer.headers[HONOURED]) == (413, "true")
