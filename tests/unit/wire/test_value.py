"""`Value` and JSON."""

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinfront.v1.value_pb2 import ListValue, ObjectValue, Value
from twinfront_server.errors import TwinfrontError, entry
from twinfront_server.wire.value import fill_value, plain_fields, plain_value

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_text = st.text(st.characters(exclude_categories=["Cs"]))
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
)
_json = st.recursive(
    _scalars, lambda items: st.lists(items, max_size=4) | st.dictionaries(_text, items, max_size=4), max_leaves=20
)


def _value_of(item: Any) -> Value:
    value = Value()
    fill_value(value, item)
    return value


@given(_json)
def test_json_to_value_to_json_gives_the_same_json(item: Any):
    over_the_wire = Value.FromString(_value_of(item).SerializeToString())
    back = plain_value(over_the_wire, "value")
    assert orjson.dumps(back, option=orjson.OPT_SORT_KEYS) == orjson.dumps(item, option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (None, "null_value"),
        (True, "bool_value"),
        (False, "bool_value"),
        (0, "int_value"),
        (INT64_MIN, "int_value"),
        (INT64_MAX, "int_value"),
        (0.0, "double_value"),
        (1.0, "double_value"),
        ("", "string_value"),
        ([], "list_value"),
        ({}, "object_value"),
    ],
)
def test_each_kind_of_json_has_its_kind_of_value_even_when_it_is_empty(item: object, kind: str):
    value = _value_of(item)
    assert value.WhichOneof("kind") == kind
    back = plain_value(value, "value")
    assert back == item
    assert type(back) is type(item)


def test_an_integer_beyond_64_bits_becomes_a_double():
    assert _value_of(2**63).double_value == float(2**63)


def test_null_inside_containers_is_kept():
    assert plain_value(_value_of({"a": [None], "b": None}), "value") == {"a": [None], "b": None}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_without_json_form_is_refused_by_its_path(number: float):
    inner = Value(list_value=ListValue(values=[Value(int_value=1), Value(double_value=number)]))
    value = Value(object_value=ObjectValue(fields={"a": inner}))
    with pytest.raises(TwinfrontError) as caught:
        plain_fields({"reading": value}, "digital_twin.properties")
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    path = 'digital_twin.properties["reading"].object_value.fields["a"].list_value.values[1]'
    assert (caught.value.reason, violation.field) == ("INVALID_ARGUMENT", path)


def test_a_value_without_a_kind_is_refused_by_its_path():
    with pytest.raises(TwinfrontError) as caught:
        plain_value(Value(list_value=ListValue(values=[Value()])), "patch[2].value")
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    assert violation.field == "patch[2].value.list_value.values[0]"


def test_the_path_of_a_map_entry_quotes_its_key():
    assert entry("properties", 'a"b') == 'properties["a\\"b"]'
