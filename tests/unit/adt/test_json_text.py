"""JSON text, whose integers beyond 64 bits are doubles."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinfront_server.adt.json_text import loads

LARGEST = 2**63 - 1

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    NUMBERS | st.text(max_size=30) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


def as_understood(document: Any) -> Any:
    """Makes doubles of integers beyond 64 bits, wherever they are but at the top, where no document is one."""
    if isinstance(document, dict):
        return {name: _member(member) for name, member in document.items()}
    if isinstance(document, list):
        return [_member(member) for member in document]
    return document


def _member(member: Any) -> Any:
    return float(member) if type(member) is int and member > LARGEST else as_understood(member)


@given(DOCUMENTS)
def test_integers_that_no_schema_holds_become_doubles(document: Any):
    read = loads(orjson.dumps([document]))
    assert repr(read) == repr(as_understood(json.loads(json.dumps([document]))))


@pytest.mark.parametrize("integer", [LARGEST - 1, LARGEST, 10**18, -(2**63), 999_999_999_999_999_999])
def test_integers_of_64_bits_stay_what_they_are(integer: int):
    (read,) = loads(f"[{integer}]".encode())
    assert (read, type(read)) == (integer, int)


@pytest.mark.parametrize("integer", [LARGEST + 1, 10**19, 2**64 - 1, 2**64, 10**30])
def test_larger_ones_become_doubles_wherever_they_are(integer: int):
    document = loads(f'{{"a": [{{"b": {integer}}}], "c": "{integer}", "d": {integer}}}'.encode())
    assert repr(document) == repr({"a": [{"b": float(integer)}], "c": str(integer), "d": float(integer)})
