"""What JSON can hold travels as it is; what it cannot is refused with its path."""

from collections import UserDict
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from twinfront import Timestamp, _json


class Mode(StrEnum):
    AUTO = "auto"


class Level(IntEnum):
    HIGH = 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (1e300, "1e+300"),
        ("Zürich 🏢", '"Zürich 🏢"'),
        ((1, 2), "[1,2]"),
        ({"a": [{"b": 1}]}, '{"a":[{"b":1}]}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        ({"a": UserDict({"b": 1})}, '{"a":{"b":1}}'),
        (Mode.AUTO, '"auto"'),
        (Level.HIGH, "2"),
        (datetime(2024, 5, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))), '"2024-05-01T10:30:00.000000Z"'),
        (Timestamp("2024-05-01T10:30:00.1234567Z"), '"2024-05-01T10:30:00.1234567Z"'),
        ([date(2024, 5, 1), time(12, 30)], '["2024-05-01","12:30:00"]'),
        (timedelta(days=1, seconds=90.5), '"PT86490.5S"'),
        (timedelta(microseconds=-20), '"-PT0.00002S"'),
        (timedelta(0), '"PT0S"'),
    ],
)
def test_values_are_written_as_json(value: Any, text: str) -> None:
    assert _json.dump(value, "digital_twin") == text.encode()


def test_integers_and_floats_stay_apart_both_ways() -> None:
    back = _json.load(_json.dump({"one": 1, "point": 1.0, "long": 2**63 - 1}, "digital_twin"))
    assert back == {"one": 1, "point": 1.0, "long": 2**63 - 1}
    assert [type(value) for value in back.values()] == [int, float, int]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "digital_twin is nan, which JSON has no form for"),
        ({"a": {"b": float("inf")}}, "digital_twin at /a/b is inf, which JSON has no form for"),
        ({"a": [0.0, float("-inf")]}, "digital_twin at /a/1 is -inf, which JSON has no form for"),
        ({"count": 2**63}, "digital_twin at /count is 9223372036854775808, beyond the 64 bits of a DTDL long"),
        ({"count": -(2**63) - 1}, "digital_twin at /count is -9223372036854775809, beyond the 64 bits"),
        ({"a/b": {"~": float("nan")}}, "digital_twin at /a~1b/~0 is nan"),
        ({"since": [datetime(2024, 5, 1)]}, "digital_twin at /since/0: 2024-05-01T00:00:00 has no time zone"),  # noqa: DTZ001  (what is refused)
        ({"name": "\ud800"}, "digital_twin at /name has a surrogate without its pair"),
        ({"\ud800": 1}, "digital_twin has a surrogate without its pair"),
    ],
)
def test_values_without_a_json_form_are_refused_with_their_path(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _json.dump(value, "digital_twin")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"since": Decimal(1)}, "digital_twin at /since is a Decimal, which is no JSON value"),
        ({"blob": b"x"}, "digital_twin at /blob is a bytes"),
        ({"tags": {1, 2}}, "digital_twin at /tags is a set"),
        ({"map": {1: "x"}}, "digital_twin at /map has the name 1, and names in JSON are strings"),
        (object(), "digital_twin is a object"),
    ],
)
def test_what_is_no_json_value_is_refused_with_its_path(value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        _json.dump(value, "digital_twin")


def test_a_value_that_contains_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(ValueError, match="digital_twin is nested too deeply, or contains itself"):
        _json.dump(value, "digital_twin")
