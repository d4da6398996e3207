"""What is read from a digital twin as parsed JSON."""

from typing import Any

import pytest

from twinfront_server.adt.twin_json import is_component, metadata_of, source_time_metadata, source_times, update_times

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
