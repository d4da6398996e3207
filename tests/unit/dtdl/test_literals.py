"""Literal values as they are written, each with what is read or which rule it breaks."""

from decimal import Decimal
from typing import Any

import pytest

from localtwins.dtdl import literals
from localtwins.dtdl.context import Context
from localtwins.dtdl.json_ld import flattened
from localtwins.dtdl.localizable import utf16_length
from localtwins.dtdl.metamodel import Boolean, Integer, Literal, LocalizableText, Reference, Text

TEXT = Text(max_length=4)
NAME = Text(is_name=True)
COUNT = Integer(minimum=1, maximum=9)


def read(field: Any, value: Any, version: int = 3) -> tuple[object, list[str]]:
    """Gives what is read, and the rules that the value breaks."""
    broken: list[str] = []
    found = literals.read(field, value, "term", Context(version), lambda rule, _message: broken.append(rule))
    return found, broken


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        (TEXT, "text", "text"),
        (TEXT, ["text"], "text"),
        (TEXT, [[["text"]]], "text"),
        (TEXT, {"@value": "text"}, "text"),
        (TEXT, {"@value": "text", "@type": "xsd:string"}, "text"),
        (TEXT, {"@value": "text", "@type": ["http://www.w3.org/2001/XMLSchema#string"]}, "text"),
        (TEXT, [], None),
        (NAME, "a", "a"),
        (NAME, "a_1", "a_1"),
        (Boolean(), False, False),
        (Boolean(), {"@value": True, "@type": "xsd:boolean"}, True),
        (Boolean(), [], None),
        (COUNT, 1, 1),
        (COUNT, 9.0, 9),
        (COUNT, {"@value": 2, "@type": "xsd:integer"}, 2),
        (Integer(minimum=0, maximum=None), 2**31 - 1, 2**31 - 1),
        (Literal(), "text", "text"),
        (Literal(), False, False),
        (Literal(), 7, 7),
        (Literal(), 7.0, 7),
        (Literal(), 0.5, Decimal("0.5")),
        (Literal(), 2**31, Decimal(2**31)),
        (Literal(), {"@value": "text", "@type": "xsd:string"}, "text"),
        (Literal(), {"@value": True, "@type": "xsd:boolean"}, True),
        (Literal(), {"@value": 7, "@type": "xsd:integer"}, 7),
        (Literal(), {"@value": 7, "@type": "xsd:decimal"}, 7),
        (LocalizableText(max_length=4), "text", None),
        (Reference(), "dtmi:example:Room;1", "dtmi:example:Room;1"),
        (Reference(), ["dtmi:example:Room;1"], "dtmi:example:Room;1"),
        (Reference(), [], None),
    ],
)
def test_a_value_is_read_in_each_way_to_write_it(field: Any, value: Any, found: object):
    got, broken = read(field, value)
    assert (got, type(got), broken) == (found, type(found), [])


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        (TEXT, "texts", "stringTooLong"),
        (TEXT, ["texts"], "stringTooLong"),
        (TEXT, 5, "stringNotString"),
        (TEXT, True, "stringNotString"),
        (TEXT, None, "stringNotString"),
        (TEXT, {"@value": None}, "stringNotString"),
        (TEXT, ["a", "b"], "stringMultipleValues"),
        (Text(required=True), [], "stringCountBelowMin"),
        (TEXT, {}, "stringObjectNoValue"),
        (TEXT, {"@value": "a", "unit": 1}, "valueObjectInvalidProp"),
        (TEXT, {"@value": "a", "@language": "en"}, "valueObjectLanguage"),
        (TEXT, {"@value": "a", "@id": "b"}, "valueObjectId"),
        (TEXT, {"@value": "a", "@context": "b"}, "valueObjectContext"),
        (TEXT, {"@value": "a", "@graph": "b"}, "valueObjectGraph"),
        (TEXT, {"@value": "a", "@index": "b"}, "valueObjectKeyword"),
        (TEXT, {"@value": "a", "@type": "xsd:integer"}, "stringTypeNotString"),
        (TEXT, {"@value": "a", "@type": "string"}, "stringTypeNotString"),
        (NAME, "_a", "stringInvalid"),
        (NAME, "a_", "stringInvalid"),
        (NAME, "", "stringInvalid"),
        (Boolean(), 1, "booleanNotBoolean"),
        (Boolean(), "true", "booleanNotBoolean"),
        (Boolean(), None, "booleanNotBoolean"),
        (Boolean(), {"@value": True, "@type": "xsd:string"}, "booleanTypeNotBoolean"),
        (COUNT, 0, "valueBelowMin"),
        (COUNT, 10, "valueAboveMax"),
        (Integer(minimum=2, maximum=2), 3, "valueNotExact"),
        (Integer(minimum=2, maximum=2), 1, "valueNotExact"),
        (COUNT, 1.5, "integerNotInteger"),
        (COUNT, True, "integerNotInteger"),
        (COUNT, "1", "integerNotInteger"),
        (Integer(minimum=0, maximum=None), 2**31, "integerNotInteger"),
        (Literal(), None, "literalNotValid"),
        (Literal(), {"@value": None}, "literalNotValid"),
        (Literal(), {"@value": []}, "literalNotValid"),
        (Literal(), {"@value": "a", "@type": "xsd:integer"}, "literalNotValid"),
        (Literal(), {"@value": 1, "@type": "xsd:boolean"}, "literalNotValid"),
        (Literal(), [], "literalCountBelowMin"),
        (Literal(), [1, 2], "literalMultipleValues"),
        (LocalizableText(max_length=4), "texts", "langStringValueTooLong"),
        (Reference(), 5, "identifierNotString"),
        (Reference(), ["dtmi:a;1", "dtmi:b;1"], "identifierMultipleValues"),
        (Reference(), "nowhere", "identifierNotDtmi"),
    ],
)
def test_a_value_that_cannot_stand_there_breaks_one_rule(field: Any, value: Any, rule: str):
    assert read(field, value)[1] == [rule]


def test_dtdl_2_ignores_keywords_that_it_does_not_know():
    value = {"@value": "a", "@index": "b"}
    assert read(TEXT, value, 2) == ("a", [])
    assert read(TEXT, {**value, "@id": "b"}, 2)[1] == ["valueObjectId"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a", "a"),
        (["a"], "a"),
        ({"@value": "a"}, "a"),
        ([{"@value": 5}], "5"),
        (0.5, "0.5"),
        (["a", "b"], None),
        ([], None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_a_name_is_part_of_an_id_as_far_as_it_can_be(value: Any, name: str | None):
    assert literals.name_of(value) == name


@pytest.mark.parametrize(
    ("value", "flat"),
    [(1, [1]), ([], []), ([1, 2], [1, 2]), ([[1, [2]], [], 3], [1, 2, 3]), ([[[]]], []), ({"a": [1]}, [{"a": [1]}])],
)
def test_lists_in_lists_are_one_list(value: Any, flat: list[Any]):
    assert flattened(value) == flat


@pytest.mark.parametrize(
    ("text", "units"), [("", 0), ("abc", 3), ("é", 1), ("\U0001f3e2", 2), ("a\U0001f3e2é", 4), ("\ud800", 1)]
)
def test_a_text_is_as_long_as_its_utf16_units(text: str, units: int):
    assert utf16_length(text) == units
