"""Indexes over properties of twins: which queries find them, and that they change no answer."""

import sqlite3

import pytest

from localtwins.query import compile_query
from localtwins.query.properties import index_properties, indexed_properties

from .graph import Graph


@pytest.fixture
def indexed(graph: Graph) -> Graph:
    index_properties(graph.connection, ["load", "motor.speed"])
    for number, value in enumerate([1, 2.5, "2", "b", True, {"x": 1}, [1]]):
        graph.twin(f"t{number}", load=value, motor={"speed": value})
    graph.twin("none")
    return graph


def plan(graph: Graph, condition: str) -> str:
    statement = compile_query(f"SELECT * FROM DIGITALTWINS T WHERE {condition}", indexed_properties(graph.connection))
    sql, parameters = statement.sql((), 100)
    return " ".join(str(row[3]) for row in graph.connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters))


CONDITIONS = [
    "T.load = 1",
    "T.load = 'b'",
    "T.load > 1",
    "T.load <= 'b'",
    "T.load IN [1, '2', 9]",
    "STARTSWITH(T.load, 'b')",
    "load = 1",
    "T.motor.speed = 1",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_comparisons_use_the_index(indexed: Graph, condition: str):
    assert "USING INDEX digital_twins_property:" in plan(indexed, condition).replace("COVERING INDEX", "INDEX")


@pytest.mark.parametrize(
    "condition", [*CONDITIONS, "T.load != 1", "T.load = true", "IS_OBJECT(T.load)", "T.load NIN [1]"]
)
def test_answers_are_the_same_with_and_without_an_index(indexed: Graph, condition: str):
    names = indexed_properties(indexed.connection)
    assert indexed.where(condition, indexed=names) == indexed.where(condition) != []


def test_only_indexes_that_are_wanted_stay(indexed: Graph):
    assert indexed_properties(indexed.connection) == {"load", "motor.speed"}
    index_properties(indexed.connection, ["load", "rank"])
    assert indexed_properties(indexed.connection) == {"load", "rank"}
    index_properties(indexed.connection, [])
    assert indexed_properties(indexed.connection) == set()


@pytest.mark.parametrize("dotted", ["", "a'b", 'a"b', "$dtId", "a..b", "1a", "a b", "a;--"])
def test_only_names_of_properties_can_have_one(indexed: Graph, dotted: str):
    with pytest.raises(ValueError, match="is not the dotted path"):
        index_properties(indexed.connection, [dotted])
    assert indexed_properties(indexed.connection) == {"load", "motor.speed"}


def test_nothing_changes_if_an_index_cannot_be_made(graph: Graph):
    graph.twin("damaged")
    graph.connection.execute("UPDATE digital_twins SET document = '{'")
    with pytest.raises(sqlite3.Error, match="malformed JSON"):
        index_properties(graph.connection, ["load", "rank"])
    assert indexed_properties(graph.connection) == set()
    assert not graph.connection.in_transaction


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("T.$dtId = 'a'", "sqlite_autoindex_digital_twins_1"),
        ("STARTSWITH(T.$dtId, 'a')", "sqlite_autoindex_digital_twins_1"),
        ("IS_OF_MODEL('dtmi:a;1')", "digital_twins_by_model"),
        ("IS_OF_MODEL('dtmi:a;1', exact)", "digital_twins_by_model"),
        ("T.$metadata.$model = 'dtmi:a;1'", "digital_twins_by_model"),
    ],
)
def test_ids_and_models_are_always_indexed(graph: Graph, condition: str, index: str):
    assert f"USING INDEX {index}" in plan(graph, condition).replace("COVERING INDEX", "INDEX")


@pytest.mark.parametrize(
    ("condition", "looked_up_later"),
    [
        ("IS_OF_MODEL('dtmi:a;1')", True),
        ("T.load > 1 AND T.rank = 2", True),
        ("NOT T.load <= 1", True),
        ("5 >= T.load", True),
        ("STARTSWITH(T.load, 'b')", True),
        ("T.$dtId IN ['a', 'b']", True),
        ("T.load = 1", False),
        ("IS_OF_MODEL('dtmi:a;1', exact)", False),
        ("NOT IS_OF_MODEL('dtmi:a;1')", False),
        ("T.load NIN [1]", False),
        ("T.rank > 1", False),
        ("T.$dtId = 'a'", False),
    ],
)
def test_documents_are_looked_up_for_the_page_alone_where_an_index_gives_another_order(
    indexed: Graph, condition: str, looked_up_later: bool
):
    assert ("SEARCH t0 USING INTEGER PRIMARY KEY (rowid=?)" in plan(indexed, condition)) == looked_up_later


@pytest.mark.parametrize(
    "condition", ["IS_OF_MODEL('dtmi:t:A;1')", "T.load > 3", "STARTSWITH(T.$dtId, 't')", "T.load IN [9, 5, 12, 30, 4]"]
)
def test_twins_come_in_the_order_of_their_creation_whatever_index_finds_them(graph: Graph, condition: str):
    index_properties(graph.connection, ["load"])
    graph.model("dtmi:t:A;1")
    graph.model("dtmi:t:B;1", "dtmi:t:A;1")
    for number in range(40):
        graph.twin(f"t{number * 7 % 40}", f"dtmi:t:{'ABC'[number % 3]};1", load=number * 11 % 40)
    query = f"SELECT * FROM DIGITALTWINS T WHERE {condition}"
    created = [row["$dtId"] for row in graph.rows("SELECT * FROM DIGITALTWINS")]
    pages = list(graph.pages(query, 4))
    found = [row["$dtId"] for page in pages for row in page]
    assert found == sorted(found, key=created.index)
    assert [row["$dtId"] for row in graph.rows(query, indexed=frozenset(["load"]))] == found
    assert len(found) == len(set(found)) > 4
