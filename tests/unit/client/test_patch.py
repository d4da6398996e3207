"""The `patch()` builder, and raw JSON Patch documents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from twinfront import Patch, Timestamp, patch
from twinfront._patch import patch_operations
from twinfront.v1.json_patch_pb2 import JsonPatchOperation


def test_a_patch_holds_its_operations_in_the_form_of_rfc_6902() -> None:
    document = patch().replace("/temperature", 22).add("/address", {"city": "Bern"}).remove("/comment")
    assert document == [
        {"op": "replace", "path": "/temperature", "value": 22},
        {"op": "add", "path": "/address", "value": {"city": "Bern"}},
        {"op": "remove", "path": "/comment"},
    ]


def test_a_patch_grows_in_place() -> None:
    document = patch()
    for name in ("a", "b"):
        document.remove((name,))
    assert len(document) == 2
    assert document[1] == {"op": "remove", "path": "/b"}
    assert document[:1] == [{"op": "remove", "path": "/a"}]


def test_two_patches_do_not_share_operations() -> None:
    first = patch().remove("/a")
    second = Patch(first).remove("/b")
    assert len(first) == 1
    assert len(second) == 2


def test_an_empty_patch_is_false() -> None:
    assert not patch()


def test_the_repr_shows_the_operations() -> None:
    assert repr(patch().remove("/a")) == "Patch([{'op': 'remove', 'path': '/a'}])"


@pytest.mark.parametrize(
    ("segments", "path"),
    [
        (("address", "city"), "/address/city"),
        (("a/b", "c~d"), "/a~1b/c~0d"),
        (["~1"], "/~01"),
        (("list", 0), "/list/0"),
    ],
)
def test_names_are_escaped_in_a_path_of_segments(segments: list[str | int], path: str) -> None:
    assert patch().remove(segments)[0]["path"] == path


def test_a_text_is_taken_as_a_json_pointer() -> None:
    assert patch().remove("/a~1b/c")[0]["path"] == "/a~1b/c"


def test_a_path_without_its_slash_is_refused() -> None:
    with pytest.raises(ValueError, match="a path starts with '/': '/temperature'"):
        patch().replace("temperature", 22)


def test_a_twin_migrates_to_another_model() -> None:
    assert patch().migrate("dtmi:example:Room;2") == [
        {"op": "replace", "path": "/$metadata/$model", "value": "dtmi:example:Room;2"}
    ]


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2024, 5, 1, 12, tzinfo=UTC), "2024-05-01T12:00:00.000000Z"),
        (Timestamp("2024-05-01T12:00:00.1234567Z"), "2024-05-01T12:00:00.1234567Z"),
        ("2024-05-01T12:00:00+02:00", "2024-05-01T12:00:00+02:00"),
    ],
)
def test_a_source_time_is_recorded(when: datetime | Timestamp | str, text: str) -> None:
    assert patch().source_time("temperature", when) == [
        {"op": "replace", "path": "/$metadata/temperature/sourceTime", "value": text}
    ]


def test_a_source_time_within_a_component_goes_into_its_metadata() -> None:
    document = patch().source_time("set/point", "2024-05-01T12:00:00Z", component="thermostat")
    assert document[0]["path"] == "/thermostat/$metadata/set~1point/sourceTime"


def test_a_naive_source_time_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        patch().source_time("temperature", datetime(2024, 5, 1))  # noqa: DTZ001


def test_a_source_time_is_a_time() -> None:
    with pytest.raises(TypeError, match="a time is a datetime, a Timestamp or ISO 8601 text, and not a float"):
        patch().source_time("temperature", 1714564800.0)  # type: ignore[arg-type]


def test_operations_are_sent_with_their_values_as_json() -> None:
    sent = patch_operations([{"op": "replace", "path": "/a", "value": 1.0}, {"op": "remove", "path": "/b"}])
    assert sent == [
        JsonPatchOperation(op=JsonPatchOperation.OP_REPLACE, path="/a", value_json=b"1.0"),
        JsonPatchOperation(op=JsonPatchOperation.OP_REMOVE, path="/b"),
    ]


def test_null_is_a_value() -> None:
    assert patch_operations([{"op": "add", "path": "/a", "value": None}])[0].value_json == b"null"


def test_a_path_in_a_raw_document_is_the_services_to_judge() -> None:
    assert patch_operations([{"op": "remove", "path": "thermostat/x"}])[0].path == "thermostat/x"


@pytest.mark.parametrize(
    ("operation", "error", "message"),
    [
        (
            {"op": "move", "path": "/a"},
            ValueError,
            r"patch\[1\].op is 'move', and not one of 'add', 'replace', 'remove'",
        ),
        ({"path": "/a"}, ValueError, r"patch\[1\].op is None"),
        ({"op": ["add"], "path": "/a"}, ValueError, r"patch\[1\].op is \['add'\]"),
        ({"op": "remove"}, TypeError, r"patch\[1\].path is None, and not a JSON Pointer"),
        ({"op": "add", "path": "/a"}, ValueError, r"patch\[1\].value is missing"),
        ({"op": "add", "path": "/a", "value": {"b": float("nan")}}, ValueError, r"patch\[1\].value at /b is nan"),
        ("remove", TypeError, r"patch\[1\] is a str, and not a mapping"),
    ],
)
def test_a_malformed_operation_is_refused_by_its_number(operation: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        patch_operations([{"op": "remove", "path": "/x"}, operation])


@pytest.mark.parametrize("document", [{"op": "remove", "path": "/a"}, '[{"op": "remove", "path": "/a"}]'])
def test_a_patch_is_a_list(document: Any) -> None:
    with pytest.raises(TypeError, match="patch is a list of operations"):
        patch_operations(document)
