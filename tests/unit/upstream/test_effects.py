"""Whether what is found is what a write would leave that came last."""

from typing import Any

import orjson
import pytest

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.settling.effects import could_have_made, is_repeatable, patch_of, versions

BEFORE, LAST = "2023-11-14T22:13:20.0000000Z", "2023-11-14T22:13:21.0000000Z"
TWIN = {
    "$dtId": "room",
    "$etag": "2",
    "temperature": 2,
    "name": "R",
    "sizes": {"x": 1},
    "thermostat": {
        "setpoint": 3,
        "mode": "on",
        "$metadata": {
            "$lastUpdateTime": BEFORE,
            "setpoint": {"lastUpdateTime": BEFORE},
            "mode": {"lastUpdateTime": BEFORE},
        },
    },
    "$metadata": {
        "$model": "dtmi:example:Room;1",
        "$lastUpdateTime": LAST,
        "temperature": {"lastUpdateTime": BEFORE, "sourceTime": "2020-01-01"},
        "name": {"lastUpdateTime": BEFORE},
        "sizes": {"lastUpdateTime": BEFORE},
    },
}


def found(*touched: str) -> dict[str, Any]:
    """The twin after a write that touched these properties, in the form `temperature` or `thermostat/setpoint`."""
    twin: dict[str, Any] = orjson.loads(orjson.dumps(TWIN))
    for path in touched:
        *component, name = path.split("/")
        owner = twin[component[0]] if component else twin
        owner["$metadata"][name]["lastUpdateTime"] = LAST
    return twin


def patch(*operations_sent: tuple[str, str, object], component: str = "") -> Asked:
    document = [{"op": op, "path": path, "value": value} for op, path, value in operations_sent]
    body = Body(orjson.dumps(document), "patch")
    if component:
        return Asked(operations.PATCH_COMPONENT, {"digital_twin_id": "room", "component_name": component}, body)
    return Asked(operations.PATCH_DIGITAL_TWIN, {"digital_twin_id": "room"}, body)


WHOLE_THERMOSTAT = ["thermostat/setpoint", "thermostat/mode"]
SET_TEMPERATURE = patch(("replace", "/temperature", 2))
SET_SETPOINT = patch(("replace", "/setpoint", 3), component="thermostat")


@pytest.mark.parametrize(
    ("write", "touched"),
    [
        (SET_TEMPERATURE, ["temperature"]),
        (patch(("add", "temperature", 2)), ["temperature"]),
        (patch(("replace", "/temperature", 2), ("add", "/name", "R")), ["temperature", "name"]),
        (patch(("replace", "/temperature", 2), ("remove", "/gone", None)), ["temperature"]),
        (patch(("remove", "/gone", None)), []),
        (patch(("add", "/gone", 1), ("remove", "/gone", None)), []),
        (patch(("add", "/sizes/x", 1)), ["sizes"]),
        (patch(("remove", "/sizes/y", None)), ["sizes"]),
        (SET_SETPOINT, ["thermostat/setpoint"]),
        (patch(("replace", "/thermostat/setpoint", 3)), ["thermostat/setpoint"]),
        (patch(("add", "/thermostat", {"setpoint": 3, "mode": "on", "$metadata": {}})), WHOLE_THERMOSTAT),
        (patch(("replace", "/$metadata/temperature/sourceTime", "2020-01-01")), []),
        (patch(("replace", "/$metadata/temperature/sourceTime", "2020-01-01")), ["temperature"]),
        (patch(("replace", "/$metadata/$model", "dtmi:example:Room;1")), ["temperature", "name"]),
        (patch(), []),
    ],
)
def test_a_patch_leaves_its_effect_and_its_time(write: Asked, touched: list[str]):
    assert could_have_made(write, found(*touched))


@pytest.mark.parametrize(
    ("write", "touched"),
    [
        (patch(("replace", "/temperature", 1)), ["temperature"]),
        (SET_TEMPERATURE, []),
        (SET_TEMPERATURE, ["name"]),
        (SET_TEMPERATURE, ["temperature", "name"]),
        (SET_TEMPERATURE, ["temperature", "thermostat/setpoint"]),
        (SET_SETPOINT, []),
        (SET_SETPOINT, ["thermostat/setpoint", "thermostat/mode"]),
        (SET_SETPOINT, ["thermostat/setpoint", "name"]),
        (patch(("remove", "/gone", None)), ["name"]),
        (patch(("remove", "/temperature", None)), []),
        (patch(), ["temperature"]),
        (patch(("add", "/thermostat", {"setpoint": 3, "$metadata": {}})), WHOLE_THERMOSTAT),
        (patch(("add", "/thermostat", 3)), WHOLE_THERMOSTAT),
    ],
)
def test_a_patch_does_not_leave_another_effect_or_another_time(write: Asked, touched: list[str]):
    assert not could_have_made(write, found(*touched))


def test_a_put_leaves_one_time():
    body = Body(b'{"$metadata": {"$model": "m"}, "a": 1, "b": 2}', "digital_twin")
    put = Asked(operations.PUT_DIGITAL_TWIN, {"digital_twin_id": "room"}, body)
    metadata = {"$model": "m", "$lastUpdateTime": LAST, "a": {"lastUpdateTime": LAST}, "b": {"lastUpdateTime": LAST}}
    assert could_have_made(put, {"a": 1, "b": 2, "$metadata": metadata})
    assert not could_have_made(put, {"a": 1, "b": 2, "$metadata": metadata | {"b": {"lastUpdateTime": BEFORE}}})
    assert not could_have_made(put, {"a": 1, "b": 3, "$metadata": metadata})


@pytest.mark.parametrize(
    ("changed", "made"), [({}, True), ({"$targetId": "other"}, False), ({"$relationshipName": "other"}, False)]
)
def test_a_put_leaves_the_ends_and_the_name_of_a_relationship(changed: dict[str, str], made: bool):
    sent = {"$targetId": "hall", "$relationshipName": "leadsTo", "width": 1}
    ids = {"digital_twin_id": "room", "relationship_id": "r"}
    put = Asked(operations.PUT_RELATIONSHIP, ids, Body(orjson.dumps(sent), "relationship"))
    assert could_have_made(put, {"$relationshipId": "r", "$sourceId": "room", **sent, **changed}) == made


@pytest.mark.parametrize("body", [b"", b"[", b"nonsense"])
def test_an_answer_that_cannot_be_read_names_no_version(body: bytes):
    asked = Asked(operations.POST_MODELS, {}, Body(b"[]", "dtdl_models"), create_only=True)
    assert versions(asked, Answer(body, "")) == []


@pytest.mark.parametrize("sent", [{}, {"sourceTime": "2020-01-01"}])
@pytest.mark.parametrize("stored", [{}, {"sourceTime": "2020-01-01"}, {"sourceTime": "2021-01-01"}])
def test_a_put_leaves_the_source_times_that_it_sent_and_no_others(sent: dict[str, str], stored: dict[str, str]):
    document = {"$metadata": {"$model": "m", "a": sent} if sent else {"$model": "m"}, "a": 1}
    put = Asked(operations.PUT_DIGITAL_TWIN, {"digital_twin_id": "room"}, Body(orjson.dumps(document), "digital_twin"))
    metadata = {"$model": "m", "$lastUpdateTime": LAST, "a": {"lastUpdateTime": LAST, **stored}}
    assert could_have_made(put, {"a": 1, "$metadata": metadata}) == (sent == stored)


@pytest.mark.parametrize("metadata", ["text", [], 1, True])
def test_a_put_with_metadata_that_is_no_object_leaves_no_twin(metadata: object):
    sent = orjson.dumps({"$metadata": metadata, "temperature": 2})
    put = Asked(operations.PUT_DIGITAL_TWIN, {"digital_twin_id": "room"}, Body(sent, "digital_twin.json"))
    assert not could_have_made(
        put, {"$metadata": {"$model": "dtmi:example:Room;1", "$lastUpdateTime": LAST}, "temperature": 2}
    )


def test_without_times_an_empty_patch_leaves_nothing():
    relationship = {"$relationshipId": "r", "width": 1}
    ids = {"digital_twin_id": "room", "relationship_id": "r"}
    wider = Body(b'[{"op": "add", "path": "/width", "value": 1}]', "patch")
    assert could_have_made(Asked(operations.PATCH_RELATIONSHIP, ids, wider), relationship)
    assert not could_have_made(Asked(operations.PATCH_RELATIONSHIP, ids, Body(b"[]", "patch")), relationship)


@pytest.mark.parametrize(
    ("op", "path", "repeatable"),
    [
        ("add", "/list/-", False),
        ("add", "/list/0", False),
        ("remove", "/list/0", False),
        ("add", "/deep/0/list/-", False),
        ("replace", "/list/0", True),
        ("add", "/deep/0/name", True),
        ("remove", "/list", True),
        ("add", "/map/0", True),
    ],
)
def test_a_patch_that_moves_elements_of_an_array_must_not_land_twice(op: str, path: str, repeatable: bool):
    document = {"list": [1, 2], "deep": [{"list": [1]}], "map": {}}
    assert is_repeatable(patch_of(patch((op, path, 3))), document) == repeatable
