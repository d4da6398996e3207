"""What is read from a digital twin as parsed JSON."""

from typing import Any

import pytest

from twinfront_server.adt.twin_json import (
    is_component,
    is_digital_twin,
    is_relationship,
    is_same,
    metadata_of,
    source_time_metadata,
    source_times,
    update_times,
)

TIME, EARLIER = "2026-01-01T00:00:00.0000000Z", "2025-01-01T00:00:00.0000000Z"
TWIN = {
    "$dtId": "room",
    "temperature": 21,
    "lamp": {"$metadata": {"$lastUpdateTime": TIME, "on": {"lastUpdateTime": EARLIER}}, "on": True},
    "$metadata": {
        "$model": "dtmi:a:Room;1",
        "$lastUpdateTime": TIME,
        "temperature": {"lastUpdateTime": TIME, "sourceTime": EARLIER},
        "humidity": {"lastUpdateTime": TIME},
    },
}


def test_update_times_are_told_by_component_and_property():
    assert dict(update_times(TWIN)) == {
        ("", "temperature"): TIME,
        ("", "humidity"): TIME,
        ("lamp", "on"): EARLIER,
    }


def test_source_times_are_told_by_property():
    assert source_times(TWIN) == {"temperature": EARLIER}


def test_metadata_is_made_of_source_times_alone():
    assert source_time_metadata(TWIN) == {"temperature": {"sourceTime": EARLIER}}


@pytest.mark.parametrize("metadata", [None, "text", 1, [], [{"sourceTime": TIME}]])
def test_metadata_that_is_no_object_says_nothing(metadata: Any):
    twin = {"$metadata": metadata}
    assert (metadata_of(twin), source_times(twin), dict(update_times(twin))) == ({}, {}, {})


def test_a_component_is_told_by_its_metadata():
    assert is_component({"$metadata": {}})
    assert not is_component({"on": True})
    assert not is_component(["$metadata"])


@pytest.mark.parametrize("row", [TWIN, {"$dtId": "room", "$metadata": {}}])
def test_a_row_with_an_id_and_metadata_is_a_digital_twin(row: Any):
    assert is_digital_twin(row)


@pytest.mark.parametrize(
    "row",
    [
        "room",
        {"$metadata": {}},
        {"$dtId": 1, "$metadata": {}},
        {"$dtId": "room"},
        {"$dtId": "room", "$metadata": "text"},
        {"$dtId": "room", "$metadata": {"$model": 1}},
    ],
)
def test_a_row_that_lacks_what_every_digital_twin_has_is_none(row: Any):
    assert not is_digital_twin(row)


def test_a_row_is_a_relationship_with_the_four_texts_that_each_has():
    row = {"$relationshipId": "1", "$sourceId": "a", "$targetId": "b", "$relationshipName": "feeds", "open": True}
    assert is_relationship(row)
    for name in ("$relationshipId", "$sourceId", "$targetId", "$relationshipName"):
        assert not is_relationship({**row, name: 1})
        assert not is_relationship({key: value for key, value in row.items() if key != name})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (2**53 + 1, float(2**53), False),
        (1, True, False),
        (False, 0, False),
        (True, True, True),
        ("1", 1, False),
        (None, None, True),
        ([1, [2.0]], [1.0, [2]], True),
        ([1, 2], [1], False),
        ([1, 2], [2, 1], False),
        ({"a": 1, "b": {"c": True}}, {"b": {"c": True}, "a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {}, False),
        ({}, [], False),
    ],
)
def test_values_are_the_same_if_json_says_the_same(one: Any, other: Any, same: bool):
    assert is_same(one, other) is same
    assert is_same(other, one) is same
