"""The patch between two states of a twin: applied to the one it makes the other, as the embedded service applies it."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localtwins.engine import digital_twin
from localtwins.engine.json_patch import parse_operations
from twinfront_server.adt.merge_patch import merged
from twinfront_server.adt.twin_json import is_same, source_times
from twinfront_server.errors import TwinfrontError
from twinfront_server.writes.difference import MAX_OPERATIONS, Operation, difference

NAMES = st.sampled_from(["a", "b", "a/b", "~", "~1", "ä", "with space", "0", "-"])
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.booleans() | st.sampled_from([0, 1, 0.0, 1.0, 2**53, 2**53 + 1]) | NUMBERS | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.just(""), inner, max_size=3),
    max_leaves=8,
)
TIMES = st.sampled_from(["2020-01-01T00:00:00Z", "2021-01-01"])


@st.composite
def owners(draw: st.DrawFn, metadata: dict[str, Any]) -> dict[str, Any]:
    """A twin's or a component's properties, with source times for some of them."""
    properties = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    times: dict[str, Any] = {name: {"lastUpdateTime": "then"} for name in properties}
    for entry in times.values():
        if draw(st.booleans()):
            entry["sourceTime"] = draw(TIMES)
    return properties | {"$metadata": metadata | times}


@st.composite
def twins(draw: st.DrawFn) -> dict[str, Any]:
    twin = draw(owners({"$model": draw(st.sampled_from(["dtmi:a:A;1", "dtmi:a:A;2"]))}))
    components = draw(st.dictionaries(st.sampled_from(["a", "c", "d~/"]), owners({}), max_size=2))
    for name in components:
        twin["$metadata"].pop(name, None)
    return {"$dtId": "twin", "$etag": 'W/"1"'} | twin | components


def _applied(stored: dict[str, Any], operations: list[Operation]) -> dict[str, Any]:
    """Gives what the service makes of a patch."""
    patch = orjson.loads(orjson.dumps([operation.as_json() for operation in operations]))
    return digital_twin.patch(copy.deepcopy(stored), parse_operations(patch), etag='W/"2"', now="now")


def _essence(twin: dict[str, Any]) -> dict[str, Any]:
    """Gives what a caller can say of a twin or a component: values, the model, source times."""
    members = {name: value for name, value in twin.items() if not name.startswith("$")}
    for name, value in members.items():
        if digital_twin.is_component(value):
            members[name] = _essence(value)
    return members | {"$metadata": [twin["$metadata"].get("$model"), source_times(twin)]}


@given(twins(), twins())
def test_the_difference_makes_one_state_into_the_other(stored: dict[str, Any], wanted: dict[str, Any]):
    result = _applied(stored, difference(stored, wanted, "merge"))
    assert is_same(_essence(result), _essence(wanted))
    assert difference(result, wanted, "merge") == []


@given(twins())
def test_a_twin_does_not_differ_from_itself(twin: dict[str, Any]):
    assert difference(twin, copy.deepcopy(twin), "merge") == []


@given(twins(), st.dictionaries(NAMES, VALUES | st.none() | st.dictionaries(NAMES, VALUES | st.none()), max_size=4))
def test_a_merge_is_what_the_service_ends_up_with(stored: dict[str, Any], merge: dict[str, Any]):
    wanted = merged(stored, merge)
    result = _applied(stored, difference(stored, wanted, "merge"))
    for name in wanted:
        if not name.startswith("$") and not digital_twin.is_component(wanted[name]):
            assert is_same(result[name], wanted[name])
    assert result.keys() == wanted.keys()


@pytest.mark.parametrize(
    ("stored", "wanted", "operations"),
    [
        ({}, {"a": 1}, [("add", "/a", 1)]),
        ({"a": 1}, {"a": 2}, [("replace", "/a", 2)]),
        ({"a": 1}, {}, [("remove", "/a")]),
        ({}, {"o": {"x": {"y": 1}}}, [("add", "/o", {"x": {"y": 1}})]),
        ({}, {"o": {}}, [("add", "/o", {})]),
        ({"o": {"x": 1}}, {"o": {"x": 1, "y": {"z": 2}}}, [("add", "/o/y", {"z": 2})]),
        ({"o": {"x": 1, "y": 2}}, {"o": {"x": 3}}, [("replace", "/o/x", 3), ("remove", "/o/y")]),
        ({"m": {"a/b": "1"}}, {"m": {"a/b": "2", "~": "3"}}, [("replace", "/m/a~1b", "2"), ("add", "/m/~0", "3")]),
        ({"l": [1, {"x": 1}]}, {"l": [1, {"x": 2}]}, [("replace", "/l", [1, {"x": 2}])]),
        ({"o": {"x": 1}}, {"o": 5}, [("replace", "/o", 5)]),
        ({"o": 5}, {"o": {"x": 1}}, [("replace", "/o", {"x": 1})]),
        ({"l": [1]}, {"l": [1.0]}, []),
    ],
)
def test_a_difference_is_made_of_the_operations_that_the_service_takes(
    stored: dict[str, Any], wanted: dict[str, Any], operations: list[tuple[Any, ...]]
):
    metadata = {"$metadata": {"$model": "dtmi:a:A;1"}}
    found = [operation.as_json() for operation in difference(stored | metadata, wanted | metadata, "merge")]
    assert [tuple(operation.values()) for operation in found] == operations


@pytest.mark.parametrize(
    ("stored", "wanted", "operations"),
    [
        (None, "2020-01-01", [("add", "/$metadata/a/sourceTime", "2020-01-01")]),
        ("2020-01-01", "2021-01-01", [("replace", "/$metadata/a/sourceTime", "2021-01-01")]),
        ("2020-01-01", None, [("remove", "/$metadata/a/sourceTime")]),
        ("2020-01-01", "2020-01-01", []),
    ],
)
def test_source_times_are_added_replaced_and_removed(
    stored: str | None, wanted: str | None, operations: list[tuple[str, ...]]
):
    def room(source_time: str | None) -> dict[str, Any]:
        times = {} if source_time is None else {"sourceTime": source_time}
        return {"a": 1, "$metadata": {"$model": "dtmi:a:A;1", "a": times}}

    found = [operation.as_json() for operation in difference(room(stored), room(wanted), "merge")]
    assert [tuple(operation.values()) for operation in found] == operations


def test_the_model_comes_first_and_source_times_last():
    stored = {"old": 1, "$metadata": {"$model": "dtmi:a:A;1"}}
    wanted = {
        "new": 1,
        "c": {"$metadata": {}},
        "$metadata": {"$model": "dtmi:a:A;2", "new": {"sourceTime": "2020-01-01"}},
    }
    paths = [operation.path for operation in difference(stored, wanted, "merge")]
    assert paths == ["/$metadata/$model", "/old", "/new", "/c", "/$metadata/new/sourceTime"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0.0, False),
        (2**53 + 1, float(2**53), False),
        (2**63 - 1, 2**63 - 1, True),
        ("1", 1, False),
        ([1, True], [1.0, 1], False),
        ({"a": [1]}, {"a": [1.0]}, True),
        ({"a": 1}, {"b": 1}, False),
        (None, False, False),
    ],
)
def test_what_counts_as_the_same(one: object, other: object, same: bool):
    assert is_same(one, other) is same
    assert is_same(other, one) is same


def test_more_operations_than_any_twin_can_need_are_refused():
    stored: dict[str, Any] = {"$metadata": {"$model": "dtmi:a:A;1"}}
    members = {str(number): number for number in range(MAX_OPERATIONS)}
    assert len(difference(stored, stored | members, "merge")) == MAX_OPERATIONS
    with pytest.raises(TwinfrontError, match=r"^merge: would change more than 10000 members"):
        difference(stored, stored | members | {"one more": 1}, "merge")
