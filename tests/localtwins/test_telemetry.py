"""Telemetry: taken from any twin or component, checked against nothing, under a message id."""

import pytest

from .adt import Adt

ROOM = "/digitaltwins/room/telemetry"
SENSOR = "/digitaltwins/room/components/sensor/telemetry"


@pytest.mark.parametrize("path", [ROOM, SENSOR, "/DigitalTwins/room/Telemetry"])
@pytest.mark.parametrize("body", [{"noise": 2}, {"undeclared": {"deep": [1]}}, {}, [1], "text", 5, None])
async def test_any_json_is_taken(graph: Adt, path: str, body: object):
    before = await graph.twin("room")
    answer = await graph.post(path, b"null" if body is None else body, message_id="m1")
    assert (answer.status, answer.body) == (204, None)
    assert "ETag" not in answer.headers
    assert await graph.twin("room") == before


@pytest.mark.parametrize("path", [ROOM, SENSOR])
async def test_a_message_id_is_needed(graph: Adt, path: str):
    for headers in ({}, {"message_id": ""}, {"message_id": "  "}, {"message_id": "a\udc80"}):
        answer = await graph.post(path, {}, **headers)
        assert (answer.status, answer.code) == (400, "InvalidArgument")
        assert "Message-Id" in answer.message


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.1234567+02:00",
        "2026-01-02 03:04:05.123456+00:00",
        "01/01/01 0:00:00 +00:00",  # the .NET SDK without a time
    ],
)
async def test_a_source_time_is_taken(graph: Adt, time: str):
    assert (await graph.post(ROOM, {}, message_id="m", telemetry_source_time=time)).status == 204


async def test_the_source_time_is_the_time_of_the_event(graph: Adt):
    read = graph.service._database.read
    for sent, told in (
        ("2026-01-02T03:04:05.5+02:00", "2026-01-02T03:04:05.5+02:00"),
        ("2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"),
        ("2026-01-02 03:04:05Z", "2026-01-02T03:04:05Z"),
    ):
        await graph.post(ROOM, {}, message_id="m", telemetry_source_time=sent)
        assert read.changes(read.last_position() - 1, 1)[0].time == told


@pytest.mark.parametrize(
    "time",
    [
        *("now", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05.Z", "1735786800"),
        *("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"),
    ],
)
async def test_a_source_time_must_be_one(graph: Adt, time: str):
    answer = await graph.post(ROOM, {}, message_id="m", telemetry_source_time=time)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "Telemetry-Source-Time" in answer.message


async def test_the_body_must_be_json(graph: Adt):
    assert (await graph.post(ROOM, None, message_id="m")).code == "BadRequest"
    assert (await graph.post(ROOM, b"{", message_id="m")).code == "InvalidArgument"


async def test_the_twin_and_its_component_must_be_there(graph: Adt):
    for path in ("/digitaltwins/nobody/telemetry", "/digitaltwins/nobody/components/sensor/telemetry"):
        answer = await graph.post(path, {}, message_id="m")
        assert (answer.status, answer.code) == (404, "DigitalTwinNotFound")
    for name in ("heater", "temperature", "$metadata"):
        answer = await graph.post(f"/digitaltwins/room/components/{name}/telemetry", {}, message_id="m")
        assert (answer.status, answer.code) == (404, "ComponentNotFound")


async def test_only_post_is_allowed(graph: Adt):
    answer = await graph.get(ROOM)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
