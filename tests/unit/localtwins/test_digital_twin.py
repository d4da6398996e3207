"""The document of a twin under patches: its metadata and the order of its keys."""

import copy
from typing import Any

import pytest

from localtwins.engine.digital_twin import create, patch, without_update_times
from localtwins.engine.json_patch import parse_operations
from localtwins.errors import AdtError

PAYLOAD: dict[str, Any] = {
    "$metadata": {"$model": "dtmi:t:M;1", "a": {"sourceTime": "2020-01-01T00:00:00Z"}},
    "b": 2,
    "part": {"x": 1, "$metadata": {}},
    "a": 1,
}


def made() -> dict[str, Any]:
    return create("t", copy.deepcopy(PAYLOAD), etag="e1", now="T1")


def changed(*operations: dict[str, Any]) -> dict[str, Any]:
    return patch(made(), parse_operations(operations), etag="e2", now="T2")


def test_a_new_twin():
    assert list(made().items()) == [
        ("$dtId", "t"),
        ("$etag", "e1"),
        ("b", 2),
        ("part", {"x": 1, "$metadata": {"$lastUpdateTime": "T1", "x": {"lastUpdateTime": "T1"}}}),
        ("a", 1),
        (
            "$metadata",
            {
                "$model": "dtmi:t:M;1",
                "$lastUpdateTime": "T1",
                "b": {"lastUpdateTime": "T1"},
                "a": {"lastUpdateTime": "T1", "sourceTime": "2020-01-01T00:00:00Z"},
            },
        ),
    ]


def test_creating_leaves_the_payload_alone():
    payload = copy.deepcopy(PAYLOAD)
    create("t", payload, etag="e", now="T")
    assert payload == PAYLOAD


def test_the_metadata_stays_last():
    assert list(changed({"op": "add", "path": "/c", "value": 3})) == [
        "$dtId",
        "$etag",
        "b",
        "part",
        "a",
        "c",
        "$metadata",
    ]


def test_only_what_is_touched_gets_the_new_time():
    twin = changed({"op": "replace", "path": "/a", "value": 9})
    assert twin["$metadata"] == {
        "$model": "dtmi:t:M;1",
        "$lastUpdateTime": "T2",
        "b": {"lastUpdateTime": "T1"},
        "a": {"lastUpdateTime": "T2", "sourceTime": "2020-01-01T00:00:00Z"},
    }
    assert twin["part"] == made()["part"]


def test_a_property_that_is_removed_and_added_has_no_source_time():
    twin = changed({"op": "remove", "path": "/a"}, {"op": "add", "path": "/a", "value": 9})
    assert twin["$metadata"]["a"] == {"lastUpdateTime": "T2"}


@pytest.mark.parametrize(
    ("operations", "time"),
    [
        ([{"op": "replace", "path": "/part/x", "value": 2}], "T2"),
        ([{"op": "add", "path": "/part/y", "value": 2}, {"op": "remove", "path": "/part/x"}], "T2"),
        ([{"op": "remove", "path": "/part/x"}], "T1"),
        ([{"op": "replace", "path": "/part/x", "value": 2}, {"op": "remove", "path": "/part/x"}], "T1"),
        ([{"op": "add", "path": "/part/$metadata/x/sourceTime", "value": "2020-01-01"}], "T1"),
        ([{"op": "replace", "path": "/part", "value": {"$metadata": {}}}], "T2"),
        ([], "T1"),
    ],
)
def test_the_time_of_a_component_moves_with_a_value_that_stays(operations: list[dict[str, Any]], time: str):
    twin = changed(*operations)
    assert twin["part"]["$metadata"]["$lastUpdateTime"] == time
    assert twin["$metadata"]["$lastUpdateTime"] == "T2"


def test_a_component_has_no_model_whatever_its_name():
    twin = create("t", {**PAYLOAD, "Twin": {"$metadata": {}}}, etag="e", now="T1")
    operations = parse_operations([{"op": "add", "path": "/Twin/$metadata/$model", "value": "dtmi:t:N;1"}])
    with pytest.raises(AdtError, match="cannot be changed"):
        patch(twin, operations, etag="e2", now="T2")


def test_the_first_api_version_hides_the_times_of_the_whole():
    shown = without_update_times(made())
    assert list(shown["$metadata"]) == ["$model", "b", "a"]
    assert shown["part"] == {"x": 1, "$metadata": {"x": {"lastUpdateTime": "T1"}}}
    assert list(shown) == list(made())
