"""`get` and `query`."""

import json

import pytest

from .conftest import Command

WARM = "SELECT * FROM digitaltwins T WHERE T.temperature > 20"


def test_a_twin_is_shown_in_the_form_of_azure_digital_twins(twinfront: Command):
    ended = twinfront("get", "room-001")
    twin = json.loads(ended.stdout)
    assert (twin["$dtId"], twin["$metadata"]["$model"]) == ("room-001", "dtmi:twinfront:sample:Room;1")
    assert twin["thermostat"]["setpoint"] == 21.5
    assert ended.stderr == ""


def test_a_component_is_shown(twinfront: Command):
    assert json.loads(twinfront("get", "room-001", "--component", "thermostat").stdout)["setpoint"] == 21.5


def test_a_relationship_is_shown(twinfront: Command):
    shown = json.loads(twinfront("get", "floor-0", "--relationship", "hasRoom-room-001").stdout)
    assert (shown["$sourceId"], shown["$targetId"]) == ("floor-0", "room-001")


def test_relationships_are_listed_by_name(twinfront: Command):
    lines = twinfront("get", "room-001", "--relationships", "adjacentTo", "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line)["$targetId"] for line in lines] == ["room-002"]
    assert twinfront("get", "room-001", "--relationships", "hasRoom", "-o", "ndjson").stdout == ""


def test_incoming_relationships_are_listed(twinfront: Command):
    listed = json.loads(twinfront("get", "room-001", "--incoming", "-o", "json").stdout)
    assert {entry["$sourceId"] for entry in listed} == {"floor-0", "motion-01", "temperature-01"}


def test_a_table_has_a_column_for_each_member_and_the_model(twinfront: Command):
    head, *rows = twinfront("query", WARM).stdout.splitlines()
    assert {"$dtId", "$model", "temperature", "thermostat"} <= set(head.split())
    assert "$etag" not in head
    assert any(row.startswith("room-001 ") and "dtmi:twinfront:sample:Room;1" in row for row in rows)


def test_json_is_one_list_and_ndjson_a_line_a_row(twinfront: Command):
    listed = json.loads(twinfront("query", WARM, "-o", "json").stdout)
    lines = [json.loads(line) for line in twinfront("query", WARM, "-o", "ndjson").stdout.splitlines()]
    assert listed == lines
    assert len(listed) > 2


def test_a_query_without_rows_prints_an_empty_document(twinfront: Command):
    nothing = "SELECT * FROM digitaltwins T WHERE T.temperature > 99"
    assert json.loads(twinfront("query", nothing, "-o", "json").stdout) == []
    assert twinfront("query", nothing, "-o", "ndjson").stdout == ""
    assert twinfront("query", nothing).stdout == ""


def test_rows_that_hold_twins_and_relationships_name_them(twinfront: Command):
    query = "SELECT F, R FROM digitaltwins F JOIN T RELATED F.hasRoom R WHERE F.$dtId = 'floor-0'"
    first = twinfront("query", query).stdout.splitlines()[1]
    assert first.split() == ["floor-0", "floor-0", "─hasRoom→", "room-001"]


def test_a_query_comes_from_stdin(twinfront: Command):
    ended = twinfront("query", "-", "-o", "ndjson", stdin="SELECT COUNT() FROM digitaltwins")
    assert json.loads(ended.stdout) == {"COUNT": 30}


def test_a_limit_ends_the_query(twinfront: Command):
    assert len(twinfront("query", WARM, "--limit", "2", "-o", "ndjson").stdout.splitlines()) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_is_a_number_of_rows(twinfront: Command, limit: str):
    ended = twinfront("query", WARM, f"--limit={limit}")
    assert ended.returncode == 2
    assert "--limit" in ended.stderr


def test_what_a_terminal_would_take_for_commands_is_shown_escaped(twinfront: Command):
    room = {"$metadata": {"$model": "dtmi:twinfront:sample:Floor;1"}, "name": "\x1b[2Jgone", "$dtId": "escape"}
    (created,) = [twinfront("apply", "-", stdin=f'{{"Section":"Twins"}}\n{json.dumps(room)}\n')]
    assert created.returncode == 0
    shown = twinfront("query", "SELECT T.name FROM digitaltwins T WHERE T.$dtId = 'escape'").stdout
    assert "\x1b" not in shown
    assert r"\x1b[2Jgone" in shown
    assert twinfront("delete", "escape").returncode == 0


@pytest.mark.parametrize(
    "words",
    [("room-001",), ("room-001", "--component", "thermostat"), ("floor-0", "--relationship", "hasRoom-room-001")],
)
def test_a_document_comes_in_the_form_that_is_asked_for(twinfront: Command, words: tuple[str, ...]):
    document = json.loads(twinfront("get", *words).stdout)
    assert json.loads(twinfront("get", *words, "-o", "json").stdout) == document
    [line] = twinfront("get", *words, "-o", "ndjson").stdout.splitlines()
    assert json.loads(line) == document
    head, row = twinfront("get", *words, "-o", "table").stdout.splitlines()
    shown = next(name for name, value in document.items() if isinstance(value, str | float) and name != "$etag")
    assert shown in head.split()
    assert str(document[shown]) in row
