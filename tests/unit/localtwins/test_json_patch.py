"""JSON Patch on plain JSON: what RFC 6902 and RFC 6901 say, without twins."""

import copy
from typing import Any

import pytest

from localtwins.engine.json_patch import apply_at, parse_operations
from localtwins.errors import AdtError


def patched(document: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    for operation in parse_operations(operations):
        apply_at(document, operation.tokens, operation)
    return document


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [
        ({}, [add("/a", 1)], {"a": 1}),
        ({"a": 1}, [add("/a", None)], {"a": None}),
        ({"a": {"b": 1}}, [add("/a/c", [])], {"a": {"b": 1, "c": []}}),
        ({"a": [1, 3]}, [add("/a/1", 2)], {"a": [1, 2, 3]}),
        ({"a": [1]}, [add("/a/1", 2), add("/a/-", 3)], {"a": [1, 2, 3]}),
        ({"a": [[1]]}, [add("/a/0/-", 2)], {"a": [[1, 2]]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": {"b": 1}}], {"a": {"b": 1}}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/1", "value": 3}], {"a": [1, 3]}),
        ({"": {"": 1}}, [{"op": "replace", "path": "//", "value": 2}], {"": {"": 2}}),
        ({"a/b": 1, "m~n": 2}, [add("/a~1b", 3), add("/m~0n", 4)], {"a/b": 3, "m~n": 4}),
        ({"~1": 1}, [add("/~01", 2)], {"~1": 2}),
        ({"é": 1}, [add("/é", 2)], {"é": 2}),
        ({"a": {"0": 1}}, [add("/a/0", 2)], {"a": {"0": 2}}),
    ],
)
def test_the_operations_of_a_patch_are_applied(
    document: dict[str, Any], operations: list[dict[str, Any]], expected: dict[str, Any]
):
    assert patched(document, *operations) == expected


@pytest.mark.parametrize(
    ("document", "operation", "reason"),
    [
        ({}, {"op": "remove", "path": "/a"}, "path segment 'a' was not found"),
        ({}, {"op": "replace", "path": "/a", "value": 1}, "path segment 'a' was not found"),
        ({}, add("/a/b", 1), "/a/b was not found"),
        ({"a": 1}, add("/a/b", 1), "/a/b was not found"),
        ({"a": None}, {"op": "remove", "path": "/a/b"}, "/a/b was not found"),
        ({"a": "text"}, add("/a/0", 1), "/a/0 was not found"),
        ({"a": []}, add("/a/1", 1), "'1' is out of bounds"),
        ({"a": [1]}, {"op": "remove", "path": "/a/1"}, "'1' is out of bounds"),
        ({"a": [1]}, {"op": "remove", "path": "/a/-"}, "'-' is invalid for an array index"),
        ({"a": [1]}, add("/a/+1", 1), "'+1' is invalid for an array index"),
        ({"a": [1]}, add("/a/\u0660", 1), "'\u0660' is invalid for an array index"),
        ({"a": [[]]}, add("/a/1/0", 1), "'1' is out of bounds"),
        ({"a": [[]]}, add("/a/-/0", 1), "'-' is invalid for an array index"),
    ],
)
def test_places_that_are_not_there(document: dict[str, Any], operation: dict[str, Any], reason: str):
    before = copy.deepcopy(document)
    with pytest.raises(AdtError) as error:
        patched(document, operation)
    assert error.value.code == "JsonPatchInvalid"
    assert reason in error.value.message
    assert document == before


def test_a_patch_can_be_applied_again():
    operations = [add("/a", {"list": [1]}), add("/a/list/-", 2)]
    assert patched({}, *operations) == patched({}, *operations) == {"a": {"list": [1, 2]}}


def test_added_values_are_not_shared():
    value = [1]
    document = patched({}, add("/a", value), add("/b", value), add("/a/-", 2))
    assert (document, value) == ({"a": [1, 2], "b": [1]}, [1])


def test_a_components_name_stands_before_every_path():
    (operation,) = parse_operations([add("/x", 1)], "a/b~c")
    assert operation.path == "/a~1b~0c/x"
    assert operation.tokens == ("a/b~c", "x")


def test_unknown_members_of_an_operation_do_not_count():
    assert patched({}, {**add("/a", 1), "from": "/b", "comment": 1}) == {"a": 1}
