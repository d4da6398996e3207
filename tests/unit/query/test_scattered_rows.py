"""Pages of rows that an index finds out of their order: they are the same whichever way they are read."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localtwins.query import Position, Statement, run
from localtwins.query.compiling import compile_text

from .graph import Graph

QUERY = "SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:t:A;1')"


def pages(graph: Graph, statements: Iterator[Statement], size: int) -> Iterator[list[bytes]]:
    position: Position | None = None
    for statement in statements:
        page = run(statement, graph.connection, size=size, position=position)
        yield page.rows
        position = page.next
        if position is None:
            return


def always(statement: Statement) -> Iterator[Statement]:
    while True:
        yield statement


def anew(query: str) -> Iterator[Statement]:
    """Compile the query for each page, so that nothing is known from the page before."""
    while True:
        yield compile_text(query)


@pytest.fixture
def models(graph: Graph) -> Graph:
    graph.model("dtmi:t:A;1")
    graph.model("dtmi:t:B;1", "dtmi:t:A;1")
    return graph


def statements_of(graph: Graph, statement: Statement, size: int) -> list[str]:
    traced: list[str] = []
    graph.connection.set_trace_callback(traced.append)
    list(pages(graph, always(statement), size))
    graph.connection.set_trace_callback(None)
    return traced


def test_pages_that_stand_close_together_are_read_in_their_order(models: Graph):
    for number in range(60):
        models.twin(f"t{number}", f"dtmi:t:{'AB'[number % 2]};1")
    traced = statements_of(models, compile_text(QUERY), 10)
    assert ["NOT INDEXED" in sql for sql in traced] == [False, True, True, True, True, True, False]


def test_pages_far_from_each_other_are_read_by_the_index(models: Graph):
    for number in range(500):
        models.twin(f"t{number}", f"dtmi:t:{'AC'[number % 10 > 0]};1")
    traced = statements_of(models, compile_text(QUERY), 10)
    assert not any("NOT INDEXED" in sql for sql in traced)


def test_pages_one_in_five_of_the_table_are_read_in_their_order(models: Graph):
    for number in range(200):
        models.twin(f"t{number}", f"dtmi:t:{'AC'[number % 5 > 0]};1")
    traced = statements_of(models, compile_text(QUERY), 10)
    assert ["NOT INDEXED" in sql for sql in traced] == [False, True, True, True, False]


def test_a_gap_behind_a_page_leads_back_to_the_index(models: Graph):
    for number in range(200):
        models.twin(f"t{number}", "dtmi:t:A;1" if number < 25 or number >= 150 else "dtmi:t:C;1")
    statement = compile_text(QUERY)
    found = list(pages(models, always(statement), 10))
    assert found == list(pages(models, anew(QUERY), 10))
    assert sum(map(len, found)) == 75


def test_the_first_page_can_be_asked_for_again_after_the_first_twins_are_gone(models: Graph):
    for number in range(100):
        models.twin(f"t{number}", "dtmi:t:B;1")
    statement = compile_text(QUERY)
    for first in (0, 40, 70, 95, 100):
        for number in range(first):
            models.tx.delete_digital_twin(f"t{number}")
        found = run(statement, models.connection, size=10).rows
        assert found == [b'{"$dtId":"t%d"}' % number for number in range(first, min(first + 10, 100))]


@pytest.mark.parametrize("key", ["x", 1.5, -(2**62), 2**62])
def test_a_place_that_a_caller_made_up_does_no_harm(models: Graph, key: str | float):
    for number in range(60):
        models.twin(f"t{number}", "dtmi:t:A;1")
    statement = compile_text(QUERY)
    for _ in range(2):
        assert len(run(statement, models.connection, size=10).rows) == 10
        run(statement, models.connection, size=10, position=Position(QUERY, (key,), 10))


@given(
    st.lists(st.sampled_from("ABCC") | st.none(), max_size=80).map(lambda some: some * 2),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.sampled_from([QUERY, f"{QUERY} AND T.n > 5", QUERY.replace("SELECT", "SELECT TOP(12)")]),
)
def test_pages_of_any_graph_are_those_of_a_query_that_knows_nothing(
    twins: list[str | None], sizes: list[int], query: str
):
    graph = Graph()
    try:
        graph.model("dtmi:t:A;1")
        graph.model("dtmi:t:B;1", "dtmi:t:A;1")
        for number, model in enumerate(twins):
            graph.twin(f"t{number}", f"dtmi:t:{model};1", n=number % 11)
        for number, model in enumerate(twins):
            if model is None:
                graph.tx.delete_digital_twin(f"t{number}")
        statement = compile_text(query)
        for size in sizes:
            assert list(pages(graph, always(statement), size)) == list(pages(graph, anew(query), size))
    finally:
        graph.close()
