"""Which ids of callers are taken over."""

import pytest

from twinfront_server.interceptors.call_id import call_id


@pytest.mark.parametrize("key", ["x-request-id", "twinfront-call-id"])
@pytest.mark.parametrize("value", ["1", "a b/c-d:e", "x" * 128])
def test_a_sane_id_is_kept(key: str, value: str) -> None:
    assert call_id([("user-agent", "test"), (key, value)]) == value


@pytest.mark.parametrize("value", ["", "x" * 129, "line\nbreak", "tab\t", "ümlaut", b"bytes"])
def test_a_call_id_of_any_other_form_is_replaced(value: str | bytes) -> None:
    made = call_id([("x-request-id", value)])
    assert len(made) == 16
    assert made.isalnum()


def test_ids_that_are_made_differ() -> None:
    assert len({call_id([]) for _ in range(100)}) == 100
