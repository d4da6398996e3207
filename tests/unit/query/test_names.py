"""Names written as `[[…]]`, wherever one may stand, and blanks and backslashes of all kinds."""

import pytest

from .graph import Graph


@pytest.fixture
def odd(graph: Graph) -> Graph:
    """Twins and relationships with names that are words of the language, or no words at all."""
    graph.twin("a", Order="first", All=1, T="own")
    graph.twins("b", "c")
    graph.relate("a", "in", "b", relationship_id="r1", since=1999)
    graph.relate("a", "by", "c", relationship_id="r2")
    graph.relate("b", "is part of", "c", relationship_id="r3")
    return graph


def ids(rows: list[dict[str, object]]) -> list[str]:
    return sorted(str(value["$dtId"]) for row in rows for value in row.values() if isinstance(value, dict))


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT T.Order AS [[Group]] FROM DIGITALTWINS T WHERE T.$dtId = 'a'", [{"Group": "first"}]),
        ("SELECT T.Order AS [[1st]] FROM DIGITALTWINS T WHERE T.$dtId = 'a'", [{"1st": "first"}]),
        ("SELECT T.Order AS [[a \"b\"]] FROM DIGITALTWINS T WHERE T.$dtId = 'a'", [{'a "b"': "first"}]),
        ("SELECT [[Order]].$dtId FROM DIGITALTWINS [[Order]] WHERE [[Order]].All = 1", [{"$dtId": "a"}]),
        ("SELECT [[Order]].[[Order]] FROM DIGITALTWINS [[Order]] WHERE [[Order]].All = 1", [{"Order": "first"}]),
        ("SELECT T.$dtId FROM DIGITALTWINS [[T]] WHERE T.All = 1", [{"$dtId": "a"}]),
        ("SELECT [[T]] FROM DIGITALTWINS T WHERE T.$dtId = 'a'", [{"T": "own"}]),
        ("SELECT [[my twin]].$dtId FROM DIGITALTWINS [[my twin]] WHERE [[All]] = 1", [{"$dtId": "a"}]),
        ("SELECT [[Group]].$targetId FROM RELATIONSHIPS [[Group]] WHERE [[Group]].since = 1999", [{"$targetId": "b"}]),
        ("SELECT y.$dtId FROM DIGITALTWINS x JOIN y RELATED x.[[in]] WHERE x.$dtId = 'a'", [{"$dtId": "b"}]),
        ("SELECT y.$dtId FROM DIGITALTWINS x JOIN y RELATED x.in WHERE x.$dtId = 'a'", [{"$dtId": "b"}]),
        ("SELECT y.$dtId FROM DIGITALTWINS x JOIN y RELATED x.[[is part of]] WHERE x.$dtId = 'b'", [{"$dtId": "c"}]),
        (
            "SELECT [[All]].$dtId FROM DIGITALTWINS [[By]] JOIN [[All]] RELATED [[By]].by WHERE [[By]].$dtId = 'a'",
            [{"$dtId": "c"}],
        ),
        (
            "SELECT [[As]].since FROM DIGITALTWINS x JOIN y RELATED x.in [[As]] WHERE x.$dtId = 'a'",
            [{"since": 1999}],
        ),
        ("SELECT y.$dtId FROM DIGITALTWINS MATCH (x)-[:[[in]]]->(y) WHERE x.$dtId = 'a'", [{"$dtId": "b"}]),
        ("SELECT y.$dtId FROM DIGITALTWINS MATCH (x)-[:by]->(y) WHERE x.$dtId = 'a'", [{"$dtId": "c"}]),
        (
            "SELECT y.$dtId FROM DIGITALTWINS MATCH (x)-[:[[in]]|[[is part of]]*2]->(y) WHERE x.$dtId = 'a'",
            [{"$dtId": "c"}],
        ),
        (
            "SELECT [[As]].since FROM DIGITALTWINS MATCH ([[Or]])-[[[As]]:in]->([[And]]) WHERE [[Or]].$dtId = 'a'",
            [{"since": 1999}],
        ),
        (
            "SELECT [[Or]].$dtId FROM DIGITALTWINS MATCH ([[Or]])-[]->() WHERE [[Or]].$dtId = 'b'",
            [{"$dtId": "b"}],
        ),
    ],
)
def test_escaped_names_are_read_as_they_are_meant(odd: Graph, query: str, rows: list[dict[str, object]]):
    assert odd.rows(query) == rows


def test_an_escaped_alias_is_one_in_is_of_model(odd: Graph):
    odd.twin("m", "dtmi:test:M;1")
    odd.model("dtmi:test:M;1")
    query = "SELECT [[Order]].$dtId FROM DIGITALTWINS [[Order]] WHERE IS_OF_MODEL([[Order]], 'dtmi:test:M;1')"
    assert odd.rows(query) == [{"$dtId": "m"}]


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u2003", "\u3000", "\u0085", "\u2028", "\v", "\f", "\r\n"])
def test_any_space_is_a_blank_and_stays_what_it_is_in_strings(odd: Graph, blank: str):
    odd.twin("spaced", text=f"x{blank}y")
    query = f"SELECT T.$dtId FROM DIGITALTWINS T WHERE T.text = 'x{blank}y'"
    assert odd.rows(query) == [{"$dtId": "spaced"}]
    assert odd.rows(query.replace(" ", blank)) == [{"$dtId": "spaced"}]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"C:\temp", r"C:\temp"),
        (r"a\\b", r"a\b"),
        (r"a\'b", "a'b"),
        (r"\n", r"\n"),
        (r"\\n", r"\n"),
        ("a\\\nb", "a\\\nb"),
    ],
)
def test_a_backslash_is_one_except_before_a_quote_and_another(odd: Graph, written: str, meant: str):
    odd.twin("path", text=meant)
    assert odd.rows(f"SELECT T.$dtId FROM DIGITALTWINS T WHERE T.text = '{written}'") == [{"$dtId": "path"}]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (
            "SELECT x.$dtId, y.$dtId FROM DIGITALTWINS x JOIN y RELATED x.in WHERE x.$dtId = 'a'",
            [{"$dtId": "b"}],
        ),
        (
            "SELECT T.$dtId, T.All AS id, T.Order AS id FROM DIGITALTWINS T WHERE T.All = 1",
            [{"$dtId": "a", "id": "first"}],
        ),
        ("SELECT [[All]], [[All]] FROM DIGITALTWINS WHERE $dtId = 'a'", [{"All": 1}]),
        ("SELECT T.All, T.nothing AS [[All]] FROM DIGITALTWINS T WHERE T.$dtId = 'a'", [{}]),
    ],
)
def test_of_two_projections_of_one_name_the_later_counts(odd: Graph, query: str, rows: list[dict[str, object]]):
    assert odd.rows(query) == rows


@pytest.mark.parametrize("edge", ["[r*1]", "[r:in*1]", "[r*..1]", "[r:in|by*1..1]"])
def test_a_variable_may_stand_for_one_hop_however_it_is_counted(odd: Graph, edge: str):
    query = f"SELECT r.$relationshipId FROM DIGITALTWINS MATCH (x)-{edge}->(y) WHERE x.$dtId = 'a' AND r.since = 1999"
    assert odd.rows(query) == [{"$relationshipId": "r1"}]


@pytest.mark.parametrize(("hops", "found"), [("*1..1", "bc"), ("*2..2", "c"), ("*1..2", "c"), ("*3..3", "")])
def test_a_range_that_ends_where_it_starts_is_that_many_hops(odd: Graph, hops: str, found: str):
    query = f"SELECT y FROM DIGITALTWINS MATCH (x)-[{hops}]->(y) WHERE x.$dtId = 'a'"
    assert ids(odd.rows(query)) == list(found)
