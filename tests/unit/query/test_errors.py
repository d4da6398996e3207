"""What is no query of the language, and where that shows."""

import re
from collections.abc import Callable

import pytest

from localtwins.errors import AdtError
from localtwins.query import compile_query

from .graph import Graph

MATCHED = "SELECT x FROM DIGITALTWINS MATCH {} WHERE x.$dtId = 'a'"
JOINED = "SELECT X FROM DIGITALTWINS X JOIN Y RELATED X.to WHERE X.$dtId = 'a'"


def problem(query: str) -> tuple[int, int, str]:
    """The line, position and message of the error that a query meets."""
    with pytest.raises(AdtError) as raised:
        compile_query(query)
    error = raised.value
    assert (error.status, error.code) == (400, "SqlQueryError")
    form = (
        r"SQL query parse failed: SQL Parser Error, Line=(\d+), Position=(\d+), Message=(.*) "
        r"See samples in https://aka\.ms/adtv2query for the correct syntax\."
    )
    found = re.fullmatch(form, error.message, re.DOTALL)
    assert found, error.message
    return int(found[1]), int(found[2]), found[3]


@pytest.mark.parametrize(
    ("query", "line", "position", "message"),
    [
        ("bar", 1, 0, "missing SELECT at 'bar'"),
        ("", 1, 0, "missing SELECT at '<EOF>'"),
        ("SELECT *\nFORM DIGITALTWINS", 2, 0, "missing FROM at 'FORM'"),
        ("SELECT * FROM TWINS", 1, 14, "mismatched input 'TWINS' expecting {DIGITALTWINS, RELATIONSHIPS}"),
        ("SELECT * FROM DIGITALTWINS T WHERE\n  T.a = 'x", 2, 8, "token recognition error at: ''x'"),
        ("SELECT * FROM DIGITALTWINS WHERE a = 1 AND\n", 2, 0, None),
        ("SELECT * FROM DIGITALTWINS WHERE b = 1 AND Order = 2", 1, 43, None),
        ("SELECT * FROM DIGITALTWINS WHERE FOO(a)", 1, 33, "'FOO' is not a function"),
        ("SELECT * FROM DIGITALTWINS WHERE UPPER(Room) = 'X'", 1, 33, "'UPPER' is not a function"),
        ("SELECT * FROM DIGITALTWINS WHERE CONTAINS(LOWER(a), 'x')", 1, 42, "'LOWER' is not a function"),
        ("SELECT * FROM DIGITALTWINS WHERE LENGTH(a) IN [1]", 1, 33, "'LENGTH' is not a function"),
        ("SELECT * FROM DIGITALTWINS WHERE FOO(a, (b)) = 1", 1, 40, None),
        ("SELECT UPPER(a) FROM DIGITALTWINS", 1, 7, "'UPPER' is not a function"),
        ("SELECT * FROM DIGITALTWINS WHERE STARTS_WITH(a, 'b')", 1, 33, "'STARTS_WITH' is not a function"),
        ("SELECT * FROM DIGITALTWINS WHERE IS_NULL(a) = true", 1, 44, None),
        ("SELECT * FROM DIGITALTWINS ORDER BY Temperature", 1, 27, None),
        ("SELECT * FROM DIGITALTWINS GROUP BY Temperature", 1, 27, None),
        ("SELECT Temperature, FROM DIGITALTWINS", 1, 20, None),
        ("SELECT  FROM DigitalTwins", 1, 8, None),
        ("SELECT Temperature AS FROM DIGITALTWINS", 1, 22, None),
        ("SELECT * FROM DIGITALTWINS WHERE AND Temperature = 80", 1, 33, None),
        ("SELECT * FROM DIGITALTWINS WHERE a = 1 AND\n OR b = 2", 2, 1, None),
        ("SELECT SUM(Temperature) FROM DIGITALTWINS", 1, 7, "'SUM' is not supported, COUNT() is the only aggregate"),
        ("SELECT a, avg(b) FROM DIGITALTWINS", 1, 10, "'avg' is not supported, COUNT() is the only aggregate"),
        ("SELECT TOP(2) COUNT() FROM DIGITALTWINS", 1, 14, "COUNT() can only stand alone, right behind SELECT"),
        ("SELECT * FROM DIGITALTWINS WHERE COUNT() = 1", 1, 33, "COUNT() can only stand alone, right behind SELECT"),
        ("SELECT * FROM DIGITALTWINS WHERE ARRAY_CONTAINS (SELECT S.a FROM DIGITALTWINS S)", 1, 49, None),
        ("SELECT T.a AS Group FROM DIGITALTWINS T", 1, 14, None),
        (f"{JOINED}\n".replace("SELECT X", "SELECT\n *"), 2, 1, None),
        ("SELECT x\nFROM DIGITALTWINS MATCH (x)-[]->(y)\n WHERE x.a = 1", 3, 1, None),
        ("SELECT x\nFROM DIGITALTWINS MATCH (x)-[]->(y)", 2, 35, None),
        ("SELECT * FROM DIGITALTWINS\nJOIN y RELATED z.to WHERE y.$dtId = 'a'", 2, 15, None),
    ],
)
def test_an_error_tells_the_place_and_the_complaint(query: str, line: int, position: int, message: str | None):
    found = problem(query)
    assert found[:2] == (line, position)
    assert message is None or found[2] == message


RESERVED = (  # noqa: SIM905  (easier to read)
    "ALL AND AS ASC AVG BY COUNT DESC DEVICES DEVICES_JOBS DEVICES_MODULES ENDS_WITH FALSE FROM GROUP IN IS_BOOL"
    " IS_DEFINED IS_NULL IS_NUMBER IS_OBJECT IS_OF_MODEL IS_PRIMITIVE IS_STRING MAX MIN NOT NOT_IN NULL OR ORDER"
    " SELECT STARTS_WITH SUM TOP TRUE WHERE"
).split()


@pytest.mark.parametrize("word", [*RESERVED, *map(str.lower, RESERVED)])
def test_reserved_words_are_no_names_unless_they_are_escaped(word: str):
    assert problem(f"SELECT T.a AS {word} FROM DIGITALTWINS T")[:2] == (1, 14)
    for longer in (f"{word}x", f"{word}_", f"x{word}", f"[[{word}]]"):
        compile_query(f"SELECT {longer}, T.{word}.a AS {longer} FROM DIGITALTWINS T WHERE {longer} = 1")
        compile_query(f"SELECT {longer} FROM DIGITALTWINS {longer}")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM DIGITALTWINS ORDER BY a",
        "SELECT * FROM DIGITALTWINS; SELECT * FROM DIGITALTWINS",
        "SELECT * FROM DIGITALTWINS -- all",
        "SELECT * FROM (SELECT * FROM DIGITALTWINS)",
        "SELECT DISTINCT a FROM DIGITALTWINS",
        "SELECT COUNT(*) FROM DIGITALTWINS",
        "SELECT TOP(1.5) FROM DIGITALTWINS",
        "SELECT TOP(-1) FROM DIGITALTWINS",
        "SELECT TOP(2147483648) FROM DIGITALTWINS",
        "SELECT TOP(1) COUNT() FROM DIGITALTWINS",
        "SELECT a. FROM DIGITALTWINS",
        "SELECT a AS select FROM DIGITALTWINS",
        "SELECT * FROM DIGITALTWINS group",
        "SELECT * FROM DIGITALTWINS WHERE a == 1",
        "SELECT * FROM DIGITALTWINS WHERE a <> 1",
        "SELECT * FROM DIGITALTWINS WHERE a",
        "SELECT * FROM DIGITALTWINS WHERE a = 1 b = 2",
        'SELECT * FROM DIGITALTWINS WHERE a = "x"',
        "SELECT * FROM DIGITALTWINS WHERE a IN (1)",
        "SELECT * FROM DIGITALTWINS WHERE a NOT IN [1]",
        "SELECT * FROM DIGITALTWINS WHERE a IN [b]",
        "SELECT * FROM DIGITALTWINS WHERE a IN [1,]",
        "SELECT * FROM DIGITALTWINS WHERE a[0] = 1",
        "SELECT * FROM DIGITALTWINS WHERE [[]] = 1",
        "SELECT * FROM DIGITALTWINS WHERE a = 1 + 1",
        "SELECT * FROM DIGITALTWINS WHERE a = @value",
        "SELECT * FROM DIGITALTWINS WHERE (a = 1",
        "SELECT * FROM DIGITALTWINS WHERE a = 1)",
        "SELECT * FROM DIGITALTWINS T WHERE T = 1",
        "SELECT * FROM DIGITALTWINS T WHERE IS_DEFINED(T)",
        "SELECT * FROM DIGITALTWINS WHERE IS_DEFINED()",
        "SELECT * FROM DIGITALTWINS WHERE IS_DEFINED(a, b)",
        "SELECT * FROM DIGITALTWINS WHERE STARTS_WITH(a, 'b')",
        "SELECT * FROM DIGITALTWINS WHERE STARTSWITH(a, b)",
        "SELECT * FROM DIGITALTWINS WHERE STARTSWITH(a, 5)",
        "SELECT * FROM DIGITALTWINS WHERE ARRAY_CONTAINS(a, null)",
        "SELECT * FROM DIGITALTWINS WHERE ARRAY_CONTAINS('a', 'a')",
        "SELECT * FROM RELATIONSHIPS WHERE ARRAY_CONTAINS(a, 1)",
        "SELECT * FROM RELATIONSHIPS WHERE IS_OF_MODEL('dtmi:a;1')",
        "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL()",
        "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL(a)",
        "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL(a, 'dtmi:a;1')",
        "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:a;1', T)",
        "SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:a;1', roughly)",
        "SELECT * FROM RELATIONSHIPS R JOIN T RELATED R.to WHERE T.$dtId = 'a'",
    ],
)
def test_texts_out_of_the_language_are_refused(query: str):
    problem(query)


@pytest.mark.parametrize(
    "query",
    [
        JOINED.replace("SELECT X", "SELECT *"),
        JOINED.replace("SELECT X", "SELECT TOP(1)"),
        JOINED.replace("X.$dtId = 'a'", "X.a = 'a'"),
        JOINED.replace("X.$dtId = 'a'", "X.$dtId != 'a'"),
        JOINED.replace("X.$dtId = 'a'", "X.$dtId = Y.$dtId"),
        JOINED.replace("X.$dtId = 'a'", "X.$dtId NIN ['a']"),
        JOINED.replace("X.$dtId = 'a'", "(X.$dtId = 'a' OR X.b = 1)"),
        JOINED.replace("X.$dtId = 'a'", "NOT X.$dtId = 'a'"),
        JOINED.partition(" WHERE")[0],
        JOINED.replace("X.to", "Z.to"),
        JOINED.replace("JOIN Y", "JOIN X"),
        JOINED.replace("X.to", "X.to X"),
        JOINED.replace("DIGITALTWINS X", "DIGITALTWINS"),
        JOINED.replace("'a'", "'a' AND b = 1"),
        JOINED.replace("'a'", "'a' AND IS_OF_MODEL('dtmi:a;1')"),
        JOINED.replace("X.to", "X.to R JOIN Z RELATED R.to"),
        JOINED.replace("RELATED X.to", "RELATED X"),
        JOINED.replace(" WHERE", " MATCH (a)-[]-(b) WHERE"),
    ],
)
def test_joins_out_of_the_language_are_refused(query: str):
    compile_query(JOINED)
    problem(query)


@pytest.mark.parametrize(
    "pattern",
    [
        "(x)<-[]->(y)",
        "(x)-[]->",
        "(x)->(y)",
        "(x)-[*]->(y)",
        "(x)-[*2..]->(y)",
        "(x)-[*0]->(y)",
        "(x)-[*5..3]->(y)",
        "(x)-[*11]->(y)",
        "(x)-[*..11]->(y)",
        "(x)-[*99999999999999999999]->(y)",
        "(x)-[r*2]->(y)",
        "(x)-[r*..2]->(y)",
        "(x)-[r*1..2]->(y)",
        "(x)-[:]->(y)",
        "(x)-[:a|]->(y)",
        "(x)-[r]->(r)",
        "(x)-[r]->()-[r]->()",
        "(x)-[select]->(y)",
        "(x y)-[]->()",
        "(x)" + "-[]->()" * 11,
    ],
)
def test_patterns_out_of_the_language_are_refused(pattern: str):
    compile_query(MATCHED.format("(x)-[r:a|b]->(y)-[*..3]->()"))
    problem(MATCHED.format(pattern))


def test_a_pattern_needs_a_twin_to_start_from():
    problem("SELECT x FROM DIGITALTWINS MATCH (x)-[]->(y)")
    problem("SELECT x FROM DIGITALTWINS T MATCH (x) WHERE x.$dtId = 'a'")
    problem("SELECT * FROM DIGITALTWINS MATCH (x) WHERE x.$dtId = 'a'")


def joins(count: int) -> str:
    chain = " ".join(f"JOIN t{number + 1} RELATED t{number}.to" for number in range(count))
    return f"SELECT t0 FROM DIGITALTWINS t0 {chain} WHERE t0.$dtId = 'a'"


def operators(count: int) -> str:
    return "SELECT * FROM DIGITALTWINS WHERE a = 1" + " AND b = 1 OR c = 1" * (count // 2) + " OR d = 1" * (count % 2)


def listed(count: int) -> str:
    return f"SELECT * FROM DIGITALTWINS WHERE a IN [{', '.join(['1'] * count)}]"


def selected(count: int) -> str:
    return f"SELECT {', '.join(f'a{number}' for number in range(count))} FROM DIGITALTWINS"


def escaped(count: int) -> str:
    return f"SELECT * FROM DIGITALTWINS WHERE a{'.[[b]]' * count} = 1"


def long(count: int) -> str:
    return f"{'SELECT * FROM DIGITALTWINS':<{count}}"


@pytest.mark.parametrize(
    ("query", "limit"), [(joins, 5), (operators, 50), (listed, 100), (long, 8000), (selected, 1000), (escaped, 8)]
)
def test_queries_beyond_the_limits_are_refused(graph: Graph, query: Callable[[int], str], limit: int):
    assert graph.rows(query(limit)) == []
    problem(query(limit + 1))


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 3000 + "a = 1" + ")" * 3000,
        "NOT " * 1900 + "a = 1",
        "NOT(" * 1500 + "a = 1" + ")" * 1500,
        " AND ".join(["(a = 1 OR b = 2)"] * 25),
        "a = 1 AND (b = 1 OR (" * 25 + "IS_OF_MODEL('dtmi:a;1')" + "))" * 25,
        "NOT (a = 1 AND " * 50 + "a = 1" + ")" * 50,
        "".join(["(ARRAY_CONTAINS(a", '.[["]]' * 8, ", 1) OR (a = 1 AND "]) * 25 + "a = 1" + "))" * 25,
        ".".join(["a"] * 3000) + " = 1",
        f"a = {'9' * 7000}",
        f"a = -{'9' * 7000}.{'9' * 100}e{'9' * 100}",
        f"a = '{'x' * 7000}'",
        f"[[{'x' * 7000}]] = 1",
    ],
)
def test_extreme_but_valid_queries_are_answered(graph: Graph, condition: str):
    assert graph.rows(f"SELECT COUNT() FROM DIGITALTWINS WHERE {condition}") == [{"COUNT": 0}]


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 7900,
        "NOT " * 1900,
        "a = 1 AND (b = 1 OR (" * 300,
        "[[" * 3900,
        "'" * 7901,
        "\\" * 7000,
        "\x00",
        "a = 1 \ufeff",
    ],
)
def test_hostile_conditions_are_refused(condition: str):
    problem(f"SELECT * FROM DIGITALTWINS WHERE {condition}")
