"""JSON Pointers (RFC 6901)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinfront_server.adt.json_pointer import pointer_to, tokens_of, value_at

DOCUMENT = {"labels": {"a/b": 1, "~": 2, "~1": 3}, "readings": [10, 20], "none": None}


@given(st.lists(st.text(), min_size=1))
def test_a_pointer_leads_through_the_names_that_it_was_made_of(names: list[str]):
    assert tokens_of(pointer_to(names)) == names


def test_a_tilde_is_read_after_a_slash():
    assert tokens_of("/~01/~10") == ["~1", "/0"]


def test_a_pointer_may_lack_its_slash():
    assert tokens_of("lamp/on") == ["lamp", "on"]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/labels/a~1b", 1),
        ("/labels/~0", 2),
        ("/labels/~01", 3),
        ("/readings/0", 10),
        ("/readings/1", 20),
        ("/readings/01", None),
        ("/readings/\u0660", None),
        ("/readings/2", None),
        ("/readings/-", None),
        ("/readings/-1", None),
        ("/readings/1/more", None),
        ("/none/more", None),
        ("/elsewhere", None),
    ],
)
def test_a_pointer_leads_to_a_value_or_nowhere(pointer: str, value: Any):
    assert value_at(DOCUMENT, tokens_of(pointer)) == value


def test_an_index_may_have_several_digits():
    assert value_at(list(range(101)), ["100"]) == 100


def test_an_index_of_more_digits_than_a_number_may_have_leads_nowhere():
    assert value_at(DOCUMENT, ["readings", "9" * 5000]) is None
