"""SELECT: what rows look like."""

from typing import Any

import pytest

from .graph import Graph

JOINED = "FROM DIGITALTWINS P JOIN L RELATED P.has R WHERE P.$dtId = 'plant'"


@pytest.mark.parametrize(
    "query", ["SELECT * FROM DIGITALTWINS", "select *\nfrom digitaltwins T", "SELECT TOP (99) FROM DigitalTwins"]
)
def test_everything_is_bare_documents(plant: Graph, query: str):
    assert len(plant.rows(query)) == 8
    assert all("$dtId" in row and "$metadata" in row for row in plant.rows(query))


def test_relationships_alone_are_answered_bare(plant: Graph):
    (row,) = plant.rows("SELECT * FROM RELATIONSHIPS WHERE $relationshipName = 'watches'")
    assert row == {
        "$relationshipId": "w1",
        "$etag": 'W/"w1"',
        "$sourceId": "gauge",
        "$relationshipName": "watches",
        "$targetId": "saw",
        "every": 5,
    }


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("SELECT name FROM DIGITALTWINS WHERE $dtId = 'saw'", {"name": "Saw"}),
        ("SELECT T.name FROM DIGITALTWINS T WHERE $dtId = 'saw'", {"name": "Saw"}),
        ("SELECT T.name AS n, T.load FROM DIGITALTWINS T WHERE $dtId = 'saw'", {"n": "Saw", "load": 0.5}),
        (
            "SELECT T.running, T.notes FROM DIGITALTWINS T WHERE $dtId = 'saw'",
            {"running": True, "notes": {"night shift": True}},
        ),
        ("SELECT T.codes FROM DIGITALTWINS T WHERE $dtId = 'press'", {"codes": [3, "three", True, [4]]}),
        ("SELECT T.motor.speed FROM DIGITALTWINS T WHERE $dtId = 'heavy'", {"speed": 900}),
        ("SELECT T.notes.[[night shift]] FROM DIGITALTWINS T WHERE $dtId = 'saw'", {"night shift": True}),
        (
            "SELECT T.$dtId, T.$metadata.$model FROM DIGITALTWINS T WHERE $dtId = 'saw'",
            {"$dtId": "saw", "$model": "dtmi:plant:Machine;1"},
        ),
        ("SELECT T.name, T.load FROM DIGITALTWINS T WHERE $dtId = 'plant'", {"name": "Works"}),
        ("SELECT T.load FROM DIGITALTWINS T WHERE $dtId = 'plant'", {}),
        ("SELECT R.every, R.$targetId FROM RELATIONSHIPS R WHERE R.every > 0", {"every": 5, "$targetId": "saw"}),
        ("SELECT COUNT() FROM DIGITALTWINS", {"COUNT": 8}),
        ("SELECT count ( ) FROM RELATIONSHIPS WHERE $sourceId = 'plant'", {"COUNT": 2}),
        ("SELECT COUNT() FROM DIGITALTWINS WHERE name = 'nobody'", {"COUNT": 0}),
        (f"SELECT COUNT() {JOINED}", {"COUNT": 2}),
    ],
)
def test_rows_have_the_members_that_are_selected(plant: Graph, query: str, row: dict[str, Any]):
    assert plant.rows(query) == [row]


def test_numbers_are_answered_as_they_are_stored(graph: Graph):
    graph.twin("a", whole=1, real=1.0, large=2**62 + 1, tiny=1e-7)
    (row,) = graph.page("SELECT T.whole, T.real, T.large, T.tiny FROM DIGITALTWINS T").rows
    assert row == b'{"whole":1,"real":1.0,"large":4611686018427387905,"tiny":1e-7}'


def test_an_alias_is_a_member_with_the_document(plant: Graph):
    (row,) = plant.rows("SELECT T FROM DIGITALTWINS T WHERE $dtId = 'saw'")
    assert list(row) == ["T"]
    assert row["T"]["$dtId"] == "saw"
    (renamed,) = plant.rows("SELECT T AS x FROM DIGITALTWINS T WHERE $dtId = 'saw'")
    assert renamed == {"x": row["T"]}


def test_members_from_several_collections(plant: Graph):
    rows = plant.rows(f"SELECT L.name AS line, R.since, P {JOINED}")
    assert [(row["line"], row.get("since"), row["P"]["$dtId"]) for row in rows] == [
        ("North", 1999, "plant"),
        ("South", None, "plant"),
    ]
    assert "since" not in rows[1]


@pytest.mark.parametrize(("top", "count"), [(0, 0), (1, 1), (7, 7), (8, 8), (2147483647, 8)])
def test_top_limits_the_rows(plant: Graph, top: int, count: int):
    assert len(plant.rows(f"SELECT TOP({top}) T.name FROM DIGITALTWINS T")) == count
    assert len(plant.rows(f"SELECT TOP({top}) * FROM DIGITALTWINS T")) == count


def test_names_of_members_are_written_as_they_are(graph: Graph):
    graph.twin("a", share=5)
    graph.twin("b")
    rows = graph.rows("SELECT T.share AS [[100%]], T.$dtId AS [[%b %s]] FROM DIGITALTWINS T")
    assert rows == [{"100%": 5, "%b %s": "a"}, {"%b %s": "b"}]
    assert graph.rows("SELECT T.share AS [[100%]] FROM DIGITALTWINS T WHERE T.$dtId = 'a'") == [{"100%": 5}]


@pytest.mark.parametrize("source", ["DIGITALTWINS T", "RELATIONSHIPS T", JOINED.removeprefix("FROM ")])
def test_count_is_the_number_of_rows(plant: Graph, source: str):
    names = "P" if "JOIN" in source else "*"
    assert plant.rows(f"SELECT COUNT() FROM {source}") == [{"COUNT": len(plant.rows(f"SELECT {names} FROM {source}"))}]
