"""The look at the text of documents that comes before they are parsed leaves out none that is to be found."""

import sqlite3
import time
from contextlib import closing
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localtwins.query import compile_query
from localtwins.query.mentions import mention, mention_of_start

from .graph import Graph

NAMES = st.text(st.characters(exclude_characters='"\\', exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text('a*?[]"\\\n', max_size=40)


def matches(document: Any, pattern: str) -> bool:
    with closing(sqlite3.connect(":memory:")) as connection:
        return bool(connection.execute("SELECT ? GLOB ?", (orjson.dumps(document).decode(), pattern)).fetchone()[0])


@given(NAMES, NUMBERS | TEXTS)
@example("a", 5.0)
@example("a", -0.0)
@example("a", 1e15)
@example("a", 1e-3)
@example("a", 999999999999999.9)
@example("[*]?", "[x]*?")
@example("a" * 40, "b" * 33)
def test_a_document_mentions_each_of_its_values(name: str, value: str | float):
    assert matches({"$dtId": "x", name: value, "z": 1}, mention(name, value))
    assert matches({"o": {"before": None, name: value}}, mention(name, value))


@given(NAMES, TEXTS, TEXTS)
@example("a", "x" * 32, '"')
@example("a", "x" * 31, "\n")
def test_a_document_mentions_how_its_texts_begin(name: str, start: str, rest: str):
    assert matches({"$dtId": "x", name: start + rest}, mention_of_start(name, start))


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_are_mentioned_however_they_are_written(number: int):
    for written in (number, float(number)):
        for sought in (number, float(number)):
            assert matches({"a": written}, mention("a", sought))


@pytest.mark.parametrize("value", [12.5, 7, -3, "b", "a*b", "[x]", "é" * 50])
def test_few_other_documents_mention_a_value(value: str | float):
    for other in ({"a": 1.25}, {"a": "c"}, {"b": value}, {"a": {"b": value}}, {"a": [value]}, {"a": "axb"}, {"a": "x"}):
        assert not matches(other, mention("a", value))


VALUES = [0, -0.0, 1, 1.0, 10, 1.5, -1, 1e15, 1e-4, 2**53 + 1, "", "1", "a", 'a"b', "a\\b", "a\nb", "a*b", "ab", "[a]",
          "é", "🙂", "/", "x" * 31, "x" * 32, "x" * 33, "x" * 34, True, None, {"v": 1}, [1]]  # fmt: skip


@pytest.mark.parametrize("sought", [value for value in VALUES if isinstance(value, (str, int, float))])
def test_equality_finds_the_same_twins_as_a_list_of_one_value(graph: Graph, sought: str | float):
    for number, value in enumerate(VALUES):
        graph.twin(f"t{number}", v=value, o={"v": value})
    literal = "'{}'".format(sought.replace("\\", "\\\\").replace("'", "\\'")) if isinstance(sought, str) else sought
    for path in ("v", "T.v", "T.o.v", "[[o]].[[v]]"):
        found = graph.where(f"{path} = {literal}")
        assert found == graph.where(f"{literal} = {path}") == graph.where(f"{path} IN [{literal}]")
        assert len(found) >= 1


@pytest.mark.parametrize(
    ("condition", "looked_at"),
    [
        ("T.a = 1", True),
        ("T.a = 'x' OR T.b = 2", True),
        ("NOT T.a != 1", True),
        ("STARTSWITH(T.a, 'x')", True),
        ("NOT STARTSWITH(T.a, 'x')", True),
        ("STARTSWITH(T.load, 'x')", False),
        ("STARTSWITH('x', 'x')", False),
        ("T.load = 1", False),
        ("T.$dtId = 'x'", False),
        ("T.a != 1", False),
        ("T.a > 1", False),
        ("T.a = true", False),
        ("T.a = NULL", False),
        ("T.a = T.b", False),
        ("""T.[[a"b]] = 1""", False),
    ],
)
def test_documents_are_looked_at_for_equality_that_no_index_serves(condition: str, looked_at: bool):
    sql, _ = compile_query(f"SELECT * FROM DIGITALTWINS T WHERE {condition}", frozenset(["load"])).sql((), 9)
    assert (" GLOB " in sql) == looked_at


def test_no_text_takes_long_to_look_at():
    start = time.process_time()
    assert not matches({"a": "a" * 32_000}, mention("a" * 4_000, "a" * 4_000 + "b"))
    assert not matches({"b": 'a"' * 16_000}, mention("a" * 4_000, "a" * 4_000 + "b"))
    assert time.process_time() - start < 0.2
