"""The change log: what each write appends, in the service's notification shapes, and what it keeps."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings
from localtwins.operations import digital_twins, relationships
from localtwins.store.change import Change

from ..adt import MODELS, ROOM_TWIN, SPACE_TWIN, Adt, add, remove, replace

ROOM = "/digitaltwins/room"
LINK = f"{ROOM}/relationships/link"
LINK_BODY = {"$relationshipName": "servedBy", "$targetId": "machine", "note": "a"}


class Log:
    """The changes since the last look."""

    def __init__(self, adt: Adt) -> None:
        self._adt = adt
        self._position = adt.service._database.read.last_position()

    def new(self) -> list[Change]:
        changes = self._adt.service._database.read.changes(self._position, 1000)
        assert [change.position for change in changes] == list(
            range(self._position + 1, self._position + 1 + len(changes))
        )
        self._position += len(changes)
        return changes

    def one(self) -> tuple[str, str, Any]:
        """Type, subject and data of the one new change."""
        (change,) = self.new()
        return change.type.removeprefix("Microsoft.DigitalTwins."), change.subject, json.loads(change.data)


@pytest.fixture
def log(graph: Adt) -> Log:
    return Log(graph)


async def test_a_created_twin_is_there_as_a_whole(graph: Adt, log: Log):
    twin = (await graph.put("/digitaltwins/new", ROOM_TWIN)).body
    assert log.one() == ("Twin.Create", "new", twin)


async def test_a_deleted_twin_is_there_as_it_last_was(graph: Adt, log: Log):
    twin = await graph.twin("hall")
    await graph.delete("/digitaltwins/hall")
    assert log.one() == ("Twin.Delete", "hall", twin)


async def test_an_update_has_the_patch_as_it_was_sent(graph: Adt, log: Log):
    await graph.patch(ROOM, replace("/temperature", 3), add("/label", "x"), remove("/label"))
    assert log.one() == (
        "Twin.Update",
        "room",
        {
            "modelId": "dtmi:test:Room;1",
            "patch": [
                {"value": 3, "path": "/temperature", "op": "replace"},
                {"value": "x", "path": "/label", "op": "add"},
                {"path": "/label", "op": "remove"},
            ],
        },
    )


async def test_an_update_of_a_component_is_one_of_its_twin(graph: Adt, log: Log):
    await graph.patch(f"{ROOM}/components/sensor", replace("/reading", 5))
    kind, subject, data = log.one()
    assert (kind, subject) == ("Twin.Update", "room")
    assert data["patch"] == [{"value": 5, "path": "/sensor/reading", "op": "replace"}]


async def test_a_replaced_twin_is_an_update_by_what_is_different(graph: Adt, log: Log):
    before = {
        **ROOM_TWIN,
        "$metadata": {"$model": "dtmi:test:Room;1", "temperature": {"sourceTime": "2026-01-01T00:00:00Z"}},
        "seats": 1,
        "tags": ["a"],
        "limits": {"a/b": 1},
    }
    await graph.put(ROOM, before)
    log.new()
    after = {
        "$metadata": {"$model": "dtmi:test:Room;1", "temperature": {"sourceTime": "2026-01-02T00:00:00Z"}},
        "temperature": 20.5,
        "label": "new",
        "tags": ["a"],
        "limits": {"a/b": 2},
        "sensor": {"$metadata": {}, "unit": "K"},
    }
    await graph.put(ROOM, after)
    kind, _, data = log.one()
    assert kind == "Twin.Update"
    assert data["patch"] == [
        {"value": "new", "path": "/label", "op": "add"},
        {"value": {"a/b": 2}, "path": "/limits", "op": "replace"},
        {"path": "/seats", "op": "remove"},
        {"value": "2026-01-02T00:00:00Z", "path": "/$metadata/temperature/sourceTime", "op": "replace"},
        {"value": "K", "path": "/sensor/unit", "op": "add"},
        {"path": "/sensor/reading", "op": "remove"},
    ]


async def test_another_model_is_part_of_the_difference(graph: Adt, log: Log):
    await graph.put(ROOM, SPACE_TWIN)
    _, _, data = log.one()
    assert data["modelId"] == "dtmi:test:Space;1"
    assert data["patch"] == [
        {"value": "dtmi:test:Space;1", "path": "/$metadata/$model", "op": "replace"},
        {"path": "/temperature", "op": "remove"},
        {"path": "/sensor", "op": "remove"},
    ]


async def test_a_difference_in_kind_of_number_is_one(graph: Adt, log: Log):
    await graph.put(ROOM, {**ROOM_TWIN, "temperature": 20})
    log.new()
    await graph.put(ROOM, {**ROOM_TWIN, "temperature": 20.0})
    assert log.one()[2]["patch"] == [{"value": 20.0, "path": "/temperature", "op": "replace"}]


async def test_changes_of_relationships_are_in_the_log(graph: Adt, log: Log):
    subject = "room/relationships/link"
    created = (await graph.put(LINK, LINK_BODY)).body
    assert log.one() == ("Relationship.Create", subject, created)
    await graph.patch(LINK, replace("/note", "b"))
    assert log.one() == (
        "Relationship.Update",
        subject,
        {"modelId": "dtmi:test:Room;1", "patch": [{"value": "b", "path": "/note", "op": "replace"}]},
    )
    await graph.put(LINK, {"$relationshipName": "linkedTo", "$targetId": "hall"})
    assert log.one()[2]["patch"] == [
        {"value": "linkedTo", "path": "/$relationshipName", "op": "replace"},
        {"value": "hall", "path": "/$targetId", "op": "replace"},
        {"path": "/note", "op": "remove"},
    ]
    last = (await graph.get(LINK)).body
    await graph.delete(LINK)
    assert log.one() == ("Relationship.Delete", subject, last)


async def test_telemetry_is_in_the_log(graph: Adt, log: Log):
    await graph.post(f"{ROOM}/telemetry", {"noise": 2}, message_id="m1")
    (change,) = log.new()
    assert (change.type, change.twin_id, change.subject) == ("microsoft.iot.telemetry", "room", "")
    assert (change.message_id, json.loads(change.data)) == ("m1", {"noise": 2})


async def test_a_new_version_with_nothing_different_is_told_as_a_type_of_our_own(graph: Adt, log: Log):
    await graph.patch(ROOM)
    assert [change.type for change in log.new()] == ["localtwins.Twin.Version"]
    etag = (await graph.put(ROOM, ROOM_TWIN)).etag
    (change,) = log.new()
    assert (change.type, change.etag) == ("localtwins.Twin.Version", etag)
    assert json.loads(change.data) == {"modelId": "dtmi:test:Room;1", "patch": []}
    await graph.put(LINK, LINK_BODY)
    log.new()
    etag = (await graph.patch(LINK)).etag
    (change,) = log.new()
    assert (change.type, change.subject, change.etag) == (
        "localtwins.Relationship.Version",
        "room/relationships/link",
        etag,
    )


async def test_what_writes_nothing_is_not_in_the_log(graph: Adt, log: Log):
    await graph.patch(f"{ROOM}/components/sensor")
    await graph.patch(ROOM, replace("/temperature", "high"))
    await graph.delete("/digitaltwins/nobody")
    await graph.put("/digitaltwins/new", ROOM_TWIN, if_match="?", if_none_match="bad")
    await graph.post(f"{ROOM}/telemetry", {"noise": 2})
    assert log.new() == []


async def test_the_time_of_a_change_is_that_of_the_write(graph: Adt, log: Log):
    await graph.patch(ROOM, replace("/temperature", 3))
    (change,) = log.new()
    assert change.time == (await graph.twin("room"))["$metadata"]["$lastUpdateTime"]


async def test_an_import_can_write_without_a_word(graph: Adt, log: Log):
    def operation(tx: Any) -> None:
        settings = Settings()
        digital_twins.put(tx, settings, "a", dict(ROOM_TWIN), create_only=False, notify=False)
        relationships.put(tx, settings, "a", "r", LINK_BODY, create_only=False, notify=False)
        relationships.delete(tx, "a", "r", if_match=None, notify=False)
        digital_twins.delete(tx, "a", if_match=None, notify=False)

    await graph.service._database.write(operation)
    assert log.new() == []


async def test_a_long_page_is_cut_by_its_size(graph: Adt, log: Log):
    for _ in range(10):
        await graph.post(f"{ROOM}/telemetry", {"text": "x" * 1000}, message_id="m")
    read = graph.service._database.read
    after = read.last_position() - 10
    assert len(read.changes(after, 100, max_bytes=3500)) == 4
    assert len(read.changes(after, 2)) == 2
    assert len(log.new()) == 10


@pytest.fixture
async def short_log() -> AsyncIterator[Adt]:
    service = await LocalTwins.open(":memory:", Settings(max_changes=100))
    adt = Adt(service)
    await adt.post("/models", MODELS)
    await adt.put(ROOM, ROOM_TWIN)
    yield adt
    await service.close()


async def test_the_log_is_trimmed_at_its_far_end(short_log: Adt):
    for _ in range(400):
        await short_log.post(f"{ROOM}/telemetry", {}, message_id="m")
    read = short_log.service._database.read
    changes = read.changes(0, 1000)
    assert changes[-1].position == read.last_position() == len(MODELS) + 401
    assert 100 <= len(changes) < 200


async def test_the_log_has_no_more_bytes_than_it_may(tmp_path: Path):
    settings, message = Settings(max_change_bytes=1_000_000), {"text": "x" * 100_000}
    for run in range(2):
        service = await LocalTwins.open(tmp_path, settings)
        adt = Adt(service)
        if run == 0:
            await adt.post("/models", MODELS)
            await adt.put(ROOM, ROOM_TWIN)
        for number in range(30):
            # A dry run trims too, and is taken back.
            dry = {"localtwins_validate_only": "true"} if number % 3 == 0 else {}
            assert (await adt.post(f"{ROOM}/telemetry", message, message_id=str(number), **dry)).status == 204
        read = service._database.read
        kept = read.changes(0, 1000, max_bytes=1 << 30)
        assert 800_000 < sum(len(change.data) for change in kept) <= 1_000_000
        assert kept[-1].position == read.last_position()
        assert read.changes_between(0, kept[-1].position) == len(MODELS) + 20 * (run + 1)
        assert [change.message_id for change in kept[-2:]] == ["28", "29"]
        await service.close()


async def test_positions_go_on_further_on_in_the_next_run(tmp_path: Path):
    newest = 0
    for run in range(3):
        service = await LocalTwins.open(tmp_path)
        adt = Adt(service)
        if run == 0:
            await adt.post("/models", MODELS)
        await adt.put(ROOM, {**ROOM_TWIN, "seats": run})
        read = service._database.read
        (change,) = read.changes(newest, 10)[-1:]
        assert change.position == read.last_position()
        assert (change.position - newest > 1 + len(MODELS)) is (run > 0)
        assert read.changes_between(0, change.position) == len(MODELS) + run
        newest = change.position
        await service.close()
