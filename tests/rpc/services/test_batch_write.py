"""Writing many twins with one call, each in its own way."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import orjson
import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import DigitalTwinWrite, DigitalTwinWriteResult, Relationships
from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete
from twinfront.v1.value_pb2 import ObjectValue, Value
from twinfront_server.settings import Settings

from .building import ROOM, Building, add, remove, replace, room, value
from .refusal import refused, refused_field

Patch, Merge, Delete = DigitalTwinWrite.Patch, DigitalTwinWrite.Merge, DigitalTwinWrite.Delete


async def _write(building: Building, *writes: DigitalTwinWrite, **fields: Any) -> Sequence[DigitalTwinWriteResult]:
    request = twins.BatchWriteDigitalTwinsRequest(writes=writes, **fields)
    response = await building.twins.BatchWriteDigitalTwins(request)
    results: Sequence[DigitalTwinWriteResult] = response.results
    assert len(results) == len(writes)
    return results


def _put(digital_twin_id: str, *, if_match: str = "", if_none_match: str = "", **properties: Any) -> DigitalTwinWrite:
    return DigitalTwinWrite(
        digital_twin_id=digital_twin_id,
        create_or_replace=room(**properties),
        if_match=if_match,
        if_none_match=if_none_match,
    )


def _reason(status: Status) -> str:
    """The reason of a status that is whole: with the ErrorInfo that every error has."""
    info = ErrorInfo()
    assert status.message
    assert status.details[0].Unpack(info)
    assert info.domain == "twinfront"
    return info.reason


def _fields(status: Status) -> list[str]:
    found = BadRequest()
    assert any(detail.Unpack(found) for detail in status.details)
    return [violation.field for violation in found.field_violations]


async def test_each_kind_of_write(building: Building):
    for name in ("patched", "merged", "replaced", "deleted", "detached", "other"):
        await building.add_room(name, note="old")
    await building.connect("detached", "out", "other")
    await building.connect("other", "in", "detached")
    etag = (await building.read("replaced")).etag
    results = await _write(
        building,
        _put("created", if_none_match="*", note="new"),
        _put("replaced", if_match=etag, visits=1),
        DigitalTwinWrite(
            digital_twin_id="patched", patch=Patch(operations=[replace("/note", "new"), add("/visits", 1)])
        ),
        DigitalTwinWrite(
            digital_twin_id="merged", merge=Merge(merge=ObjectValue(fields={"address": value({"city": "Graz"})}))
        ),
        DigitalTwinWrite(digital_twin_id="deleted", delete=Delete()),
        DigitalTwinWrite(
            digital_twin_id="detached", delete=Delete(relationships=Relationships.RELATIONSHIPS_DETACH), if_match="*"
        ),
    )
    assert [result.status for result in results] == [Status()] * 6
    for result, name in zip(results[:4], ("created", "replaced", "patched", "merged"), strict=True):
        assert result.etag == (await building.read(name)).etag
    assert [result.etag for result in results[4:]] == ["", ""]
    assert (results[5].outgoing_relationships_deleted, results[5].incoming_relationships_deleted) == (1, 1)
    assert (await building.read("replaced")).properties == {"visits": value(1)}
    assert (await building.read("patched")).properties == {"note": value("new"), "visits": value(1)}
    assert (await building.read("merged")).properties["address"] == value({"city": "Graz"})
    for name in ("deleted", "detached"):
        assert (await refused(building.read(name))).reason == "TWIN_NOT_FOUND"


async def test_a_thousand_writes_of_which_the_odd_ones_fail(building: Building):
    results = await _write(
        building, *(_put(f"room {number}", visits="many" if number % 2 else number) for number in range(1000))
    )
    assert [result.status.code for result in results] == [Code.OK, Code.INVALID_ARGUMENT] * 500
    assert _fields(results[999].status) == ['writes[999].create_or_replace.properties["visits"]']
    assert (await building.read("room 998")).properties == {"visits": value(998)}


async def test_a_batch_with_one_twin_twice_is_refused(building: Building):
    writes = [_put("a"), _put("b"), DigitalTwinWrite(digital_twin_id="a", delete=Delete())]
    assert await refused_field(_write(building, *writes)) == "writes[2].digital_twin_id"
    for name in ("a", "b"):
        assert (await refused(building.read(name))).reason == "TWIN_NOT_FOUND"


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_of_none_or_too_many_writes_is_refused(building: Building, count: int):
    assert await refused_field(_write(building, *(_put(str(number)) for number in range(count)))) == "writes"


@pytest.mark.parametrize(
    ("write", "field"),
    [
        (_put(""), "digital_twin_id"),
        (_put("\x00"), "digital_twin_id"),
        (_put("#" * 3000), "digital_twin_id"),
        (_put("x" * 129), "digital_twin_id"),
        (DigitalTwinWrite(digital_twin_id="a/b", merge=Merge(merge_json=b"{}")), "digital_twin_id"),
        (
            DigitalTwinWrite(digital_twin_id="a/b", delete=Delete(relationships=Relationships.RELATIONSHIPS_DETACH)),
            "digital_twin_id",
        ),
        (_put("room", if_match="1"), "if_match"),
        (_put("room", if_match="*", if_none_match="*"), "if_none_match"),
        (_put("room", if_none_match='W/"1"'), "if_none_match"),
        (_put("room", temperature="warm"), 'create_or_replace.properties["temperature"]'),
        (DigitalTwinWrite(digital_twin_id="room", create_or_replace=DigitalTwin()), "create_or_replace.model_id"),
        (DigitalTwinWrite(digital_twin_id="room", create_or_replace=DigitalTwin(id="a")), "create_or_replace.id"),
        (DigitalTwinWrite(digital_twin_id="room", create_or_replace=DigitalTwin(json=b"{")), "create_or_replace.json"),
        (
            DigitalTwinWrite(
                digital_twin_id="room",
                create_or_replace=DigitalTwin(model_id=ROOM, components={"thermostat": Component(json=b"{}")}),
            ),
            'create_or_replace.components["thermostat"].json',
        ),
        (DigitalTwinWrite(digital_twin_id="room"), "write"),
        (DigitalTwinWrite(digital_twin_id="room", delete=Delete(), if_none_match="*"), "if_none_match"),
        (DigitalTwinWrite(digital_twin_id="room", delete=Delete(relationships=9)), "delete.relationships"),  # type: ignore[arg-type]
        (DigitalTwinWrite(digital_twin_id="room", merge=Merge()), "merge.merge"),
        (DigitalTwinWrite(digital_twin_id="room", merge=Merge(merge_json=b"[")), "merge.merge_json"),
        (
            DigitalTwinWrite(digital_twin_id="room", merge=Merge(merge=ObjectValue(fields={"visits": Value()}))),
            'merge.merge.fields["visits"]',
        ),
        (
            DigitalTwinWrite(digital_twin_id="room", merge=Merge(merge=ObjectValue(fields={"color": value(1)}))),
            'merge.merge.fields["color"]',
        ),
        (DigitalTwinWrite(digital_twin_id="room", patch=Patch(operations=[add("", 1)])), "patch.operations[0].path"),
        (
            DigitalTwinWrite(digital_twin_id="room", patch=Patch(operations=[add("/note", "a"), remove("/visits")])),
            "patch.operations[1].path",
        ),
    ],
)
async def test_a_bad_write_fails_alone_and_names_its_field(building: Building, write: DigitalTwinWrite, field: str):
    before = await building.add_room("room", temperature=1.5)
    good, bad, last = await _write(building, _put("good"), write, _put("last"))
    assert (good.status.code, last.status.code) == (Code.OK, Code.OK)
    assert bad.status.code == Code.INVALID_ARGUMENT
    assert _fields(bad.status) == [f"writes[1].{field}"]
    assert _reason(bad.status)
    assert bad.etag == ""
    assert (await building.read("room")).etag == before
    assert {(await building.read(name)).etag for name in ("good", "last")} == {good.etag, last.etag}


@pytest.mark.parametrize("digital_twin_id", ["room", "a/b"])
async def test_a_bad_write_has_the_id_of_its_twin_in_its_metadata(building: Building, digital_twin_id: str):
    _, bad = await _write(building, _put("good"), DigitalTwinWrite(digital_twin_id=digital_twin_id))
    info = ErrorInfo()
    assert bad.status.details[0].Unpack(info)
    assert dict(info.metadata) == {"digital_twin_id": digital_twin_id}


async def test_the_message_of_a_bad_write_has_the_field_as_the_violation_has_it(building: Building):
    write = DigitalTwinWrite(
        digital_twin_id="room", create_or_replace=DigitalTwin(model_id=ROOM, properties={"$x": value(1)})
    )
    _, bad = await _write(building, _put("good"), write)
    [field] = _fields(bad.status)
    assert field == 'writes[1].create_or_replace.properties["$x"]'
    assert bad.status.message.startswith(f"{field}: ")


async def test_failures_have_the_details_of_calls_of_their_own(building: Building):
    for name in ("room", "other", "blocked"):
        await building.add_room(name)
    await building.connect("blocked", "out", "other")
    current = await building.patch("room", add("/visits", 1))
    results = await _write(
        building,
        DigitalTwinWrite(digital_twin_id="room", patch=Patch(operations=[]), if_match='W/"1"'),
        _put("other", if_none_match="*"),
        DigitalTwinWrite(digital_twin_id="blocked", delete=Delete()),
        DigitalTwinWrite(digital_twin_id="nobody", merge=Merge(merge_json=b"{}")),
    )
    conflict, blocking = EtagConflict(), RelationshipsBlockingDelete()
    assert [(result.status.code, _reason(result.status)) for result in results] == [
        (Code.ABORTED, "ETAG_MISMATCH"),
        (Code.ALREADY_EXISTS, "TWIN_ALREADY_EXISTS"),
        (Code.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS"),
        (Code.NOT_FOUND, "TWIN_NOT_FOUND"),
    ]
    assert results[0].status.details[1].Unpack(conflict)
    assert (conflict.resource, conflict.current_etag) == ("digitaltwins/room", current)
    assert results[2].status.details[1].Unpack(blocking)
    assert blocking.outgoing_total == 1


async def test_batches_about_the_same_twins_do_not_disturb_each_other(building: Building):
    names = [f"room {number}" for number in range(20)]
    for name in names:
        await building.add_room(name)

    def merges(label: str) -> list[DigitalTwinWrite]:
        merge = Merge(merge_json=orjson.dumps({"labels": {label: "x"}}))
        return [DigitalTwinWrite(digital_twin_id=name, merge=merge) for name in names]

    for results in await asyncio.gather(*(_write(building, *merges(label)) for label in "abc")):
        assert [result.status for result in results] == [Status()] * 20
    for name in names:
        assert (await building.read_json(name))["labels"] == dict.fromkeys("abc", "x")


async def test_a_dry_run_writes_nothing(building: Building):
    before = await building.add_room("room")
    results = await _write(
        building, _put("new"), _put("room", visits="many"), _put("other", color="red"), validate_only=True
    )
    assert [result.status.code for result in results] == [Code.OK, Code.INVALID_ARGUMENT, Code.INVALID_ARGUMENT]
    assert results[0].etag == ""
    assert (await refused(building.read("new"))).reason == "TWIN_NOT_FOUND"
    assert (await building.read("room")).etag == before


class TestSmallAnswers:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(max_response_bytes=20_000)

    async def test_a_batch_whose_results_may_not_fit_is_refused_before_anything_is_written(self, building: Building):
        error = await refused(_write(building, *(_put(str(number)) for number in range(5))))
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED")
        assert (await refused(building.read("0"))).reason == "TWIN_NOT_FOUND"
        assert len(await _write(building, *(_put(str(number)) for number in range(4)))) == 4
