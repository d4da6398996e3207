"""Ids, and the conditions `if_match` and `if_none_match`."""

import pytest

from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.identifier import if_match, if_none_match, required_id


def _refused_field(error: TwinfrontError) -> str:
    field: str = error.details[0].field_violations[0].field  # type: ignore[attr-defined]
    return field


@pytest.mark.parametrize("text", ["", ".", "..", "a\x00b", "a\nb", "\x1f", "\x7f", "a\x85", "x" * 2049])
def test_an_id_that_cannot_stand_in_a_url_is_refused_by_its_field(text: str):
    with pytest.raises(TwinfrontError) as caught:
        required_id(text, "digital_twin_id")
    assert (caught.value.reason, _refused_field(caught.value)) == ("INVALID_ARGUMENT", "digital_twin_id")


@pytest.mark.parametrize(
    "text", ["a", "...", "a.b", "a/b", "a b", "a\u00a0b", "ä", "\u200d", "\U0001fae9", "%2e%2e", "x" * 2048, "$a"]
)
def test_all_other_ids_are_the_upstream_s_to_judge(text: str):
    assert required_id(text, "digital_twin_id") == text


@pytest.mark.parametrize("text", ["", "*", '"a"', 'W/"e59ce8f5-03c0-4356-aea9-249ecbdc07f9"', '""', 'W/""'])
def test_if_match_takes_an_entity_tag_or_a_star(text: str):
    assert if_match(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "W/a",
        '"a',
        'w/"a"',
        '"a" ',
        ' "a"',
        '"a", "b"',
        '"a b"',
        '"a"b"',
        '"ä"',
        '"a"\r\nX-Injected: 1',
        '"a\r\nX-Injected: 1"',
        '"a"\n',
        "**",
        f'"{"x" * 257}"',
    ],
)
def test_if_match_takes_nothing_else(text: str):
    with pytest.raises(TwinfrontError) as caught:
        if_match(text)
    assert (caught.value.reason, _refused_field(caught.value)) == ("INVALID_ARGUMENT", "if_match")


@pytest.mark.parametrize(("text", "create_only"), [("", False), ("*", True)])
def test_if_none_match_takes_a_star(text: str, create_only: bool):
    assert if_none_match(text) is create_only


@pytest.mark.parametrize("text", ['"a"', 'W/"a"', "**", " *", "*\n", "a"])
def test_if_none_match_takes_nothing_else(text: str):
    with pytest.raises(TwinfrontError) as caught:
        if_none_match(text)
    assert (caught.value.reason, _refused_field(caught.value)) == ("INVALID_ARGUMENT", "if_none_match")
