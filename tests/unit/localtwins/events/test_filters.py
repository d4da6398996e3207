"""Filters of event routes: what they select, and how they fail to parse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localtwins.errors import AdtError
from localtwins.events import filters
from localtwins.events.notifications import (
    RELATIONSHIP_CREATE,
    RELATIONSHIP_UPDATE,
    TELEMETRY,
    TWIN_CREATE,
    TWIN_DELETE,
    TWIN_UPDATE,
)

from .change import event

BODY = {
    "$dtId": "room",
    "$metadata": {"$model": "dtmi:example:Floor;1"},
    "properties": {"Temperature": 31.5, "on": True, "name": "O'Neil", "nothing": None, "list": [1], "type": "x"},
    "big": 9007199254740993,
}


def selects(text: str, kind: str = TWIN_CREATE, **fields: object) -> bool:
    return filters.parse(text)(event(kind, BODY, **fields)) is True


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "TRUE",
        "(true)",
        "not false",
        "NOT NOT true",
        "type = 'Microsoft.DigitalTwins.Twin.Create'",
        "'Microsoft.DigitalTwins.Twin.Create' = type",
        "type != 'microsoft.iot.telemetry' AND specversion = '1.0'",
        "type='x'or\n\ttrue",
        "source = 'adt.example'",
        "subject = 'room'",
        "dataschema = 'dtmi:test:Room;1'",
        "datacontenttype = 'application/json'",
        "id != ''",
        "STARTS_WITH($body.$metadata.$model, 'dtmi:example:Floor')",
        "starts_with(subject, 'ro') and ends_with (subject, 'om') and contains(subject, 'oo')",
        "$body.properties.Temperature > 30",
        "$body.properties.Temperature >= 31.5",
        "$body.properties.Temperature < 3.2e1",
        "$body.properties.Temperature <= 31.5",
        "30 < $body.properties.Temperature",
        "$body.properties.on = true",
        "$body.properties.on != false",
        "$body.properties.name = 'O\\'Neil'",
        "$body.properties.name > 'M'",
        "$body.properties.type = 'x'",
        "$body.big = 9007199254740993",
        "$body.properties.nothing = null",
        "$body.properties.missing = null",
        "$body.properties.name != null",
        "$body.properties.list != null",
        "$body.properties.Temperature = 31.5 OR $body.missing = 1 AND false",
    ],
)
def test_a_filter_selects_events_that_match(text: str):
    assert selects(text)


@pytest.mark.parametrize(
    "text",
    [
        "false",
        "not true",
        "type = 'microsoft.digitaltwins.twin.create'",
        "true and false or false",
        "(true or true) and false",
        "$body.big = 9007199254740992",
        "$body.properties.on = 1",
        "$body.properties.on > false",
        "$body.properties.Temperature = '31.5'",
        "$body.properties.Temperature > '30'",
        "$body.properties.list = '1'",
        "$body.properties.list.x = 1",
        "$body.properties.name = null",
        "STARTS_WITH($body.properties.Temperature, '3')",
    ],
)
def test_a_filter_leaves_out_events_that_do_not_match(text: str):
    assert not selects(text)


@pytest.mark.parametrize(
    "text",
    ["$body.missing {} 1", "NOT $body.missing {} 1", "1 {} $body.properties.missing.deeper", "NOT ($body.no {} 'x')"],
)
@pytest.mark.parametrize("sign", ["=", "!=", "<", "<=", ">", ">="])
def test_what_the_event_does_not_have_selects_nothing(text: str, sign: str):
    assert not selects(text.format(sign))


@pytest.mark.parametrize("name", ["color", "Type", "type.x", "Microsoft.DigitalTwins.Twin.Create", "body.patch"])
def test_a_name_that_no_event_has_is_absent(name: str):
    for condition in (f"type = {name}", f"type != {name}", f"{name} = 'red'", f"STARTS_WITH({name}, '')"):
        assert not selects(condition)
        assert not selects(f"NOT ({condition})")
    assert selects(f"{name} = null")


@pytest.mark.parametrize("number", ["10000000000000000000", "1e19", "9" * 4000])
def test_a_long_number_is_the_double_that_it_is(number: str):
    assert not selects(f"$body.properties.Temperature > {number}")
    assert selects(f"$body.properties.Temperature < {number}")


def test_no_result_gives_way_to_one():
    assert selects("$body.missing = 1 OR true")
    assert not selects("NOT ($body.missing = 1 AND true)")
    assert selects("NOT ($body.missing = 1 AND false)")


@pytest.mark.parametrize(
    ("kind", "event_type"),
    [
        (TELEMETRY, "DigitalTwinTelemetryMessages"),
        (TWIN_CREATE, "DigitalTwinLifecycleNotification"),
        (TWIN_DELETE, "DigitalTwinLifecycleNotification"),
        (TWIN_UPDATE, "DigitalTwinChangeNotification"),
        (RELATIONSHIP_CREATE, "RelationshipLifecycleNotification"),
        (RELATIONSHIP_UPDATE, "RelationshipChangeNotification"),
    ],
)
def test_event_types_of_the_first_api_version(kind: str, event_type: str):
    assert selects(f"$eventType = 'no' or $eventType = '{event_type}'", kind)


def test_an_event_without_a_subject_has_none():
    assert selects("subject = null", TELEMETRY, subject="")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("this is not a valid filter string", 1, 6, "Unexpected input 'is'"),
        ("", 1, 1, "Unexpected end of input"),
        ("type =", 1, 7, "Unexpected end of input"),
        ("type = 'a' AND\n  (type = 'b'", 2, 14, "Unexpected end of input"),
        ("type = 'a' AND\n  type", 2, 7, "Unexpected end of input"),
        ("type == 'a'", 1, 7, "Unexpected input '='"),
        ("type = 'a", 1, 8, "Unexpected input '''"),
        ('type = "a"', 1, 8, "Unexpected input '\"'"),
        ("true false", 1, 6, "Unexpected input 'false'"),
        ("$body = 1", 1, 1, "Unexpected input '$body'"),
        ("$color = 'red'", 1, 1, "Unexpected input '$color'"),
        ("$eventType.x = 'red'", 1, 1, "Unexpected input '$eventType.x'"),
        ("$body.list[0] = 1", 1, 11, "Unexpected input '['"),
        ("STARTS_WITH(type)", 1, 17, "Unexpected input ')'"),
        ("LOWER(type) = 'a'", 1, 6, "Unexpected input '('"),
        ("type", 1, 5, "Unexpected end of input"),
    ],
)
def test_errors_tell_the_place(text: str, line: int, column: int, message: str):
    with pytest.raises(AdtError) as caught:
        filters.parse(text)
    assert (caught.value.status, caught.value.code) == (400, "EventRouteFilterInvalid")
    assert caught.value.message == (
        f"The provided filter is invalid. Parsing error, Line={line}, Position={column}, Message={message}. "
        "See event route documentation for supported values and structure (https://aka.ms/ADTv2Routes)."
    )


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775807 != 9223372036854775806",
        "-9223372036854775808 != -9223372036854775807",
        "9223372036854775809 = 9223372036854775808",
        "-9223372036854775809 = -9223372036854775810",
    ],
)
def test_numbers_are_exact_as_long_as_they_are_whole_and_have_64_bits(text: str):
    assert selects(text)


def test_a_filter_has_a_longest_length():
    assert selects(("true or " * 511 + "true").ljust(4096))
    with pytest.raises(AdtError, match="longer than 4096"):
        filters.parse(("true or " * 511 + "true").ljust(4097))
    with pytest.raises(AdtError, match="longer than 4096"):
        filters.parse("true or " * 512 + "true")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "true" + ")" * 2000,
        "not " * 1000 + "true",
        "true and " * 450 + "true",
        "true and(false or(" * 50 + "true" + "))" * 50,
        "not(false or " * 49 + "false" + ")" * 49,
    ],
)
def test_long_and_nested_filters(text: str):
    assert len(text) <= filters.MAX_LENGTH
    assert selects(text)


@pytest.mark.parametrize(
    "text",
    ["true and(false or(" * 51 + "true" + "))" * 51, "not(false or " * 280 + "false" + ")" * 280],
)
def test_nesting_has_an_end(text: str):
    with pytest.raises(AdtError, match="nested deeper than 100 levels"):
        filters.parse(text)


WORDS = [
    "true",
    "false",
    "null",
    "and",
    "OR",
    "not",
    "(",
    ")",
    ",",
    "=",
    "!=",
    "<",
    ">=",
    "type",
    "$body.a.$b",
    "$eventType",
]
WORDS += ["'it\\'s'", "''", "1", "-1.5e3", "STARTS_WITH(", "contains (subject,", " ", "\n", "$", "'", "é", "[", "x"]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_text_is_a_filter_or_tells_where_it_is_not(text: str):
    problem = ""
    try:
        condition = filters.parse(text)
    except AdtError as error:
        problem = str(error)
    if problem:
        assert problem.startswith("400 EventRouteFilterInvalid: The provided filter is invalid. Parsing error, Line=")
    else:
        assert condition(event(TWIN_CREATE, {"a": {"$b": 1}})) in {True, False, None}
