"""displayName, description and comment."""

from typing import Any

import pytest

from .models import interface, rules

VERSIONS = pytest.mark.parametrize("version", [2, 3])


@VERSIONS
@pytest.mark.parametrize(
    "written",
    [
        "Room",
        ["Room"],
        {},
        [],
        {"en": "Room", "de": "Raum", "en-US": "Room", "zh-Hans-CN": "x", "es-419": "Sala"},
        ["Room", {"@value": "Raum", "@language": "de"}],
        [{"@value": "Room"}],
    ],
)
def test_notations_of_localizable_strings_are_accepted(version: int, written: Any):
    assert rules(interface(version=version, displayName=written, description=written)) == []


@VERSIONS
@pytest.mark.parametrize(
    ("written", "rule"),
    [
        (5, "langStringElementNotStringOrObject"),
        (None, "langStringElementNotStringOrObject"),
        (["Room", None], "langStringElementNotStringOrObject"),
        ({"en-us": "Room"}, "langStringInvalidCode"),
        ({"english": "Room"}, "langStringInvalidCode"),
        ({"en": 5}, "langStringValueNotString"),
        ({"@value": "Room", "@language": "en"}, "langMapObjKeyword"),
        ([{"@value": "Room", "@language": "EN"}], "langStringElementInvalidCode"),
        (["Room", "Chamber"], "langStringElementCodeNotUnique"),
        (["Room", {"@value": "Chamber", "@language": "en"}], "langStringElementCodeNotUnique"),
        ([{"@value": "Room", "text": "x"}], "langStringElementInvalidProp"),
    ],
)
def test_other_notations_of_strings_are_refused(version: int, written: Any, rule: str):
    assert rule in rules(interface(version=version, displayName=written))


@pytest.mark.parametrize(
    ("term", "version", "longest"),
    [
        ("displayName", 2, 64),
        ("displayName", 3, 512),
        ("description", 2, 512),
        ("description", 3, 512),
    ],
)
def test_the_longest_text_counts_utf16_units(term: str, version: int, longest: int):
    assert rules(interface(version=version, **{term: "é" * longest})) == []
    assert rules(interface(version=version, **{term: "é" * (longest + 1)})) == ["langStringValueTooLong"]
    assert rules(interface(version=version, **{term: "🏠" * (longest // 2)})) == []
    assert rules(interface(version=version, **{term: "🏠" * (longest // 2 + 1)})) == ["langStringValueTooLong"]


@VERSIONS
def test_a_comment_is_a_plain_string(version: int):
    assert rules(interface(version=version, comment="c" * 512)) == []
    assert rules(interface(version=version, comment="c" * 513)) == ["stringTooLong"]
    assert rules(interface(version=version, comment={"en": "Room"})) == ["stringObjectNoValue"]
