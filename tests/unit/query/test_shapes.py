"""Queries that differ in their strings and numbers alone are compiled once, and mean what they mean alone."""

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localtwins.errors import AdtError
from localtwins.query import compile_query
from localtwins.query.compiling import compile_shape, compile_text
from localtwins.query.literals import starts_of_literals, take_literals

from . import naive
from .graph import Graph
from .test_compiled_against_naive import conditions

FRAGMENTS = [
    "SELECT", "*", "TOP(2)", "top ( 3", "COUNT()", "FROM", "DIGITALTWINS", "RELATIONSHIPS", "MATCH", "(x)", "(", ")",
    "-[*2]->", "-[*1..3]-", "-[* .. 3]-", "<-[]-", "*2", "..", ".", "WHERE", "AND", "OR", "NOT", "IN [", "[", "]", ",",
    "T", "T.a", "a5", "a", "e6", "e", "E+", "$dtId", "[[a'b]]", "[[5]]", "[[", "]]", "=", "<", "<=", "!=", "-", "--",
    "5", "-5", "05", "1.5", "1e5", "1E-5", "99999999999999999999", "'x'", "''", r"'\''", r"'\\'", r"'C:\x'", "'", "\\",
    "'[['", "']]'", "'5'", "IS_OF_MODEL(", "'dtmi:a;1'", "exact", "STARTSWITH(a,", "ENDSWITH(a,", " ", " ", "\n", "\0",
    "é", "\u212a", "\u017f", "\u202f", "NULL", "true",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join) | st.text(max_size=30)


def outcome(compiler: Any, text: str) -> Any:
    try:
        return compiler(text)
    except AdtError as error:
        return error.message


@given(st.lists(conditions(["T"], []), min_size=1, max_size=10))
def test_a_query_compiled_by_its_shape_is_what_it_is_compiled_alone(several: list[Any]):
    for condition in several:
        text = f"SELECT * FROM DIGITALTWINS T WHERE {naive.written(condition)}"
        assert compile_query(text) == compile_text(text)


@given(TEXTS)
@example("a = 1-2")
@example("a = 1e5e6")
@example("a = 1.5.5")
@example("a IN [1-2]")
@example("a = 'x''y'")
@example("a = 'x' AND5=a")
@example("a = 'x' AND-5=a")
@example("a<-5")
@example("a = 5 OR b = '")
@example("a = \0")
@example("[[a'b]] = 'c' AND [[d]] = 'e]]'")
def test_any_condition_is_compiled_or_refused_as_it_is_alone(condition: str):
    for text in (condition, f"SELECT * FROM DIGITALTWINS T WHERE {condition}"):
        assert outcome(compile_query, text) == outcome(compile_text, text)


@given(TEXTS)
def test_a_shape_is_its_own_shape(text: str):
    shape, values = take_literals(text)
    again, placeholders = take_literals(shape)
    assert again == shape
    assert len(placeholders) == len(starts_of_literals(shape)) == len(values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a = 'x' AND b > 5", ["x", 5]),
        ("a = -5 OR a=1.0 OR a=-2.5e3 OR a=1e400", [-5, 1.0, -2500.0, float("inf")]),
        ("a IN ['x', 2, true, null]", ["x", 2]),
        (r"a = 'it\'s' OR a = 'C:\\dir\new'", ["it's", r"C:\dir\new"]),
        ("a = 9223372036854775807 OR a = 9223372036854775808", [2**63 - 1, float(2**63)]),
        ("AND-5=a", [-5]),
        ("a5 = b_6 AND T.c7.$d8 = [[e 9]]", []),
        ("[[it's]] = 'x' AND [[that's]] = 1", ["x", 1]),
        ("TOP(5)", []),
        ("top ( 17 ) x", []),
        ("(x)-[*2]->()-[*1..3]-()-[:a|b* .. 4]-(y)", []),
        ("a = 'b", []),
    ],
)
def test_only_literals_are_taken_out(text: str, values: list[Any]):
    taken = take_literals(text)[1]
    assert [(type(value), value) for value in taken] == [(type(value), value) for value in values]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM DIGITALTWINS T WHERE T.name = '{}'",
        "SELECT TOP(5) T.name FROM DIGITALTWINS T WHERE T.level > {} AND NOT T.name IN ['a', '{}']",
        "SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:a{};1')",
        "SELECT T FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:a;{}', exact) AND STARTSWITH(T.name, '{}')",
        "SELECT x FROM DIGITALTWINS MATCH (a)-[*1..3]->(x) WHERE a.$dtId = 'room-{}' AND ENDSWITH(x.name, '{}')",
        "SELECT T FROM DIGITALTWINS T JOIN S RELATED T.has WHERE T.$dtId = '{}' AND S.level = {}",
    ],
)
def test_queries_that_differ_in_their_literals_alone_are_compiled_once(query: str):
    compile_shape.cache_clear()
    for number in range(5):
        text = query.format(number, number)
        assert compile_query(text) == compile_text(text)
    assert compile_shape.cache_info().misses == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT TOP(1) FROM DIGITALTWINS", "SELECT TOP(2) FROM DIGITALTWINS"),
        ("SELECT * FROM DIGITALTWINS T WHERE T.a1 = 1", "SELECT * FROM DIGITALTWINS T WHERE T.a2 = 1"),
        ("SELECT * FROM DIGITALTWINS WHERE a = 1", "SELECT * FROM DIGITALTWINS WHERE a = '1'"),
        ("SELECT * FROM DIGITALTWINS WHERE a = true", "SELECT * FROM DIGITALTWINS WHERE a = false"),
        ("SELECT * FROM DIGITALTWINS WHERE a IN [1]", "SELECT * FROM DIGITALTWINS WHERE a IN [1, 1]"),
        (
            "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:a;1')",
            "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:a;1', exact)",
        ),
        (
            "SELECT x FROM DIGITALTWINS MATCH (a)-[*1]->(x) WHERE a.$dtId = 'a'",
            "SELECT x FROM DIGITALTWINS MATCH (a)-[*2]->(x) WHERE a.$dtId = 'a'",
        ),
    ],
)
def test_what_changes_the_meaning_is_part_of_the_shape(one: str, other: str):
    assert take_literals(one)[0] != take_literals(other)[0]


@pytest.mark.parametrize("first", ["", "\U0010ffff", "c"])
@pytest.mark.parametrize("text", ["", "\U0010ffff", "ab", "b\U0010ffff", "\ud7ff", "1"])
def test_texts_at_the_ends_of_the_order_are_found_whatever_was_compiled_before(graph: Graph, first: str, text: str):
    names = ["", "a", "ab", "b\U0010ffff", "b\U0010ffffx", "\U0010ffff", "\U0010ffff\U0010ffff", "\ud7ffa", "1"]
    for number, name in enumerate(names):
        graph.twin(f"t{number}", name=name)
    graph.twin("number", name=1)
    for function, holds in {
        "STARTSWITH": str.startswith,
        "ENDSWITH": str.endswith,
        "CONTAINS": str.__contains__,
    }.items():
        graph.where(f"{function}(T.name, '{first}')")
        found = graph.where(f"{function}(T.name, '{text}')")
        assert found == [f"t{number}" for number, name in enumerate(names) if holds(name, text)]


def test_errors_tell_the_place_in_the_text_itself():
    message = outcome(compile_query, "SELECT * FROM DIGITALTWINS T WHERE T.name = 'a long name' AND IS_OF_MODEL(5)")
    assert "Position=74" in message


@pytest.mark.parametrize(
    "text",
    ["'" + r"\'" * 3_990, "'" * 7_999, "[[" * 3_999, "[[" + "[" * 7_000, "* " * 4_000, "*" + " " * 7_900, "9" * 8_000,
     "top" * 2_600, "top" + " " * 7_000, "-" * 8_000, "5e" * 4_000, "'\\" * 4_000],
)  # fmt: skip
def test_literals_of_any_text_are_found_in_a_moment(text: str):
    start = time.process_time()
    take_literals(text)
    assert time.process_time() - start < 0.1
