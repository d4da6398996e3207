"""Pages, continuation tokens and the charge."""

import base64

import orjson
import pytest

from localtwins.errors import AdtError
from localtwins.query import Position, read_token, run, write_token
from localtwins.query.compiling import compile_text

from .graph import Graph

EVERYTHING = "SELECT T.$dtId FROM DIGITALTWINS T"


@pytest.fixture
def many(graph: Graph) -> Graph:
    for number in range(25):
        graph.twin(f"t{number:02}", rank=number % 5)
        if number:
            graph.relate("t00", "has", f"t{number:02}", relationship_id=f"r-{25 - number}")
    return graph


def test_pages_are_full_until_the_last(many: Graph):
    assert [len(page) for page in many.pages(EVERYTHING, 10)] == [10, 10, 5]
    assert [len(page) for page in many.pages(EVERYTHING, 25)] == [25]
    assert [len(page) for page in many.pages(EVERYTHING, 24)] == [24, 1]


@pytest.mark.parametrize(
    "query",
    [
        EVERYTHING,
        "SELECT T.$dtId FROM DIGITALTWINS T WHERE T.rank > 1",
        "SELECT R.$relationshipId AS id FROM RELATIONSHIPS R",
        "SELECT T.$dtId FROM DIGITALTWINS S JOIN T RELATED S.has WHERE S.$dtId = 't00'",
        "SELECT T.$dtId FROM DIGITALTWINS S JOIN T RELATED S.has WHERE T.$dtId IN ['t03', 't05', 't04', 't02']",
        "SELECT T.$dtId FROM DIGITALTWINS MATCH (S)-[]-()-[]-(T) WHERE S.$dtId = 't07'",
        "SELECT T.$dtId FROM DIGITALTWINS MATCH (S)-[*..3]-(T) WHERE S.$dtId = 't07'",
    ],
)
def test_pages_hold_every_row_once(many: Graph, query: str):
    whole = many.rows(query)
    for size in (1, 3, 7):
        assert [row for page in many.pages(query, size) for row in page] == whole
    assert len({orjson.dumps(row) for row in whole}) == len(whole) >= 4


def test_a_page_that_nothing_comes_behind_is_read_without_its_keys(many: Graph):
    statement = compile_text("SELECT T.$dtId FROM DIGITALTWINS S JOIN T RELATED S.has WHERE S.$dtId = 't00'")
    traced: list[str] = []
    many.connection.set_trace_callback(traced.append)
    whole = run(statement, many.connection, size=24)
    first = run(statement, many.connection, size=10)
    again = run(statement, many.connection, size=10)
    rest = run(statement, many.connection, size=24, position=first.next)
    assert run(statement, many.connection, size=24) == whole
    assert run(statement, many.connection, size=24) == whole
    many.connection.set_trace_callback(None)
    with_keys = ["sort_key" in sql.partition(" FROM ")[0] for sql in traced]
    # The whole. A page, and once more as others come behind it. The page, the rest. The whole, and now as it is known.
    assert with_keys == [False, False, True, True, True, True, False]
    assert (first.rows + rest.rows, rest.next) == (whole.rows, None)
    assert (again, whole.next) == (first, None)


def test_rows_that_differ_in_their_keys_alone_are_all_there(graph: Graph):
    for name in ("a", "b", "c"):
        graph.twin(name)
    for number in range(5):
        graph.relate("a", "has", "b", relationship_id=f"r{number}")
        graph.relate("b", "has", "c", relationship_id=f"s{number}")
    for hops, count in (("-[:has]->()-[:has]->", 25), ("-[:has*..2]->", 2)):
        query = f"SELECT S.$dtId FROM DIGITALTWINS MATCH (S){hops}(T) WHERE S.$dtId = 'a'"
        assert graph.rows(query) == [{"$dtId": "a"}] * count
        assert [row for page in graph.pages(query, 4) for row in page] == [{"$dtId": "a"}] * count


def test_a_page_of_large_rows_ends_early(graph: Graph):
    for number in range(500):
        graph.twin(f"t{number:03}", note="x" * 32_000)
    sizes = [len(page) for page in graph.pages("SELECT * FROM DIGITALTWINS", 1_000)]
    assert sum(sizes) == 500
    assert 200 < sizes[0] < 300
    assert [len(page) for page in graph.pages("SELECT TOP(400) FROM DIGITALTWINS", 1_000)] == [sizes[0], 400 - sizes[0]]


def test_a_row_that_is_larger_than_a_page_is_a_page_of_its_own(graph: Graph):
    for number in range(3):
        graph.twin(f"t{number}", note="x" * 9_000_000)
    assert [len(page) for page in graph.pages("SELECT * FROM DIGITALTWINS", 1_000)] == [1, 1, 1]


@pytest.mark.parametrize(("top", "sizes"), [(7, [3, 3, 1]), (6, [3, 3]), (0, [0]), (99, [3] * 8 + [1])])
def test_top_counts_over_all_pages(many: Graph, top: int, sizes: list[int]):
    assert [len(page) for page in many.pages(f"SELECT TOP({top}) FROM DIGITALTWINS", 3)] == sizes


def test_a_twin_that_stays_is_answered_once_whatever_is_written_between_pages(many: Graph):
    pages = iter(many.pages("SELECT T.$dtId FROM DIGITALTWINS T WHERE T.rank < 100", 10))
    seen = [row["$dtId"] for row in next(pages)]
    many.twin("t00", rank=99)  # behind the page
    many.twin("t20", rank=50)  # ahead of it
    many.tx.delete_digital_twin("t09")  # the last of the page
    many.tx.delete_digital_twin("t15")
    many.twin("a-new-one", rank=1)
    seen += [row["$dtId"] for page in pages for row in page]
    assert sorted(seen) == sorted({f"t{number:02}" for number in range(25)} - {"t15"} | {"a-new-one"})


def test_a_token_leads_on_from_where_it_was_given(many: Graph):
    first = many.page(EVERYTHING, 10)
    assert first.next
    position = read_token(write_token(first.next))
    assert position == first.next
    assert position.query == EVERYTHING
    second = many.page(position.query, 1, position)
    assert second.rows == [b'{"$dtId":"t10"}']


def test_a_token_can_be_used_again(many: Graph):
    position = many.page(EVERYTHING, 10).next
    assert many.page(EVERYTHING, 10, position) == many.page(EVERYTHING, 10, position)


def refused(token: object) -> None:
    with pytest.raises(AdtError) as raised:
        read_token(token)
    assert (raised.value.status, raised.value.code) == (400, "BadRequest")


@pytest.mark.parametrize(
    "token", ["", "x", "made-up", "é", "=", "AAAA", base64.b64encode(b"{}" * 20).decode(), 5, ["a"]]
)
def test_made_up_tokens(token: object):
    refused(token)


def test_a_token_with_any_character_changed():
    token = write_token(Position("SELECT * FROM DIGITALTWINS", (17,), 100))
    for at, character in enumerate(token.rstrip("=")[:-1]):
        refused(f"{token[:at]}{'A' if character != 'A' else 'B'}{token[at + 1 :]}")
    refused(token[:-8])
    refused(f"{token}AAAA")


def test_a_position_of_another_shape_is_refused(many: Graph):
    with pytest.raises(AdtError, match="BadRequest"):
        many.page(EVERYTHING, 10, Position(EVERYTHING, (1, 2), 10))


def test_the_charge_is_a_decimal_that_grows_with_the_answer(many: Graph):
    small, large = many.page(EVERYTHING, 1).charge, many.page(EVERYTHING, 20).charge
    assert 0 < float(small) < float(large)
    assert small == many.page(EVERYTHING, 1).charge
    assert len(large.partition(".")[2]) == 2
