"""Random queries over random graphs give what a naive evaluation of them gives."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import naive
from .graph import Graph
from .naive import Hop, Path

MODELS = {
    "dtmi:test:Base;1": set(),
    "dtmi:test:Base;2": set(),
    "dtmi:test:Middle;1": {"dtmi:test:Base;2"},
    "dtmi:test:Leaf;1": {"dtmi:test:Middle;1", "dtmi:test:Base;2"},
    "dtmi:test:Other;3": set(),
}
IDS = ["n1", "1", "n3", "n4", "n5"]
NAMES = ["p", "q"]
TEXTS = st.sampled_from(["a", "ab", "b", "n3", "1"]) | st.sampled_from(["", "é", "'", "\\", '"', "🙂", "true"])
NUMBERS = st.sampled_from([0, 1, 1.5, 2]) | st.sampled_from([-1, 1.0, -0.25, 2**53 + 1, 1e300])
SCALARS = TEXTS | NUMBERS | st.booleans()
KEYS = st.sampled_from(["a", "b", "key 1", 'quo"te', "back\\slash", "dotted.name", "count"])
VALUES = SCALARS | st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=4
)
PROPERTIES = st.fixed_dictionaries(
    {"a": SCALARS}, optional={"b": VALUES, "c": st.dictionaries(KEYS, VALUES, min_size=1)}
)


@dataclass(frozen=True)
class Data:
    twins: list[tuple[str, str, dict[str, Any]]]
    relationships: list[tuple[str, str, str, dict[str, Any]]]


@st.composite
def graphs(draw: st.DrawFn, most_twins: int = len(IDS), most_relationships: int = 9) -> Data:
    ids = IDS[: draw(st.integers(2, most_twins))]
    twins = [(twin, draw(st.sampled_from([*MODELS, "dtmi:test:Deleted;1"])), draw(PROPERTIES)) for twin in ids]
    ends = [(source, target) for source in ids for target in ids if source != target]
    one = st.tuples(st.sampled_from(ends), st.sampled_from(NAMES), PROPERTIES)
    relationships = [
        (*end, name, properties) for end, name, properties in draw(st.lists(one, max_size=most_relationships))
    ]
    return Data(twins, relationships)


@contextmanager
def stored(data: Data) -> Iterator[tuple[Graph, dict[str, Any], list[Any]]]:
    """The graph in a database, and its documents as the database answers them."""
    graph = Graph()
    try:
        for model, bases in MODELS.items():
            graph.model(model, *bases)
        for twin, model, properties in data.twins:
            graph.twin(twin, model, **properties)
        for source, target, name, properties in data.relationships:
            graph.relate(source, name, target, **properties)
        twins = {twin["$dtId"]: twin for twin in graph.rows("SELECT * FROM DIGITALTWINS")}
        yield graph, twins, graph.rows("SELECT * FROM RELATIONSHIPS")
    finally:
        graph.close()


@st.composite
def paths(draw: st.DrawFn, alias: str, *, twin: bool = True) -> Path:
    own = [("$dtId",), ("$metadata", "$model")] if twin else [("$relationshipId",), ("$sourceId",), ("$targetId",)]
    if draw(st.integers(0, 3)) == 0:
        return Path(alias, draw(st.sampled_from([*own, ("$etag",), ("missing",)])))
    if draw(st.booleans()):
        return Path(alias, (draw(st.sampled_from(["a", "a", "b"])),))
    return Path(alias, ("c", *draw(st.lists(KEYS, max_size=2))))


def conditions(twins: list[str], relationships: list[str]) -> st.SearchStrategy[Any]:
    anywhere = st.one_of(*(paths(alias) for alias in twins), *(paths(alias, twin=False) for alias in relationships))
    operands = anywhere | SCALARS | st.none()
    symbols = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    comparison = st.tuples(st.just("compare"), anywhere, symbols, SCALARS) | st.tuples(
        st.just("compare"), operands, symbols, operands
    )
    membership = st.tuples(st.sampled_from(["in", "nin"]), anywhere, st.lists(SCALARS | st.none(), max_size=4))
    types = st.sampled_from(["IS_DEFINED", "IS_NULL", "IS_STRING", "IS_NUMBER", "IS_BOOL", "IS_OBJECT", "IS_PRIMITIVE"])
    texts = st.sampled_from(["STARTSWITH", "ENDSWITH", "CONTAINS"])
    leaves = [comparison, membership, st.tuples(types, anywhere), st.tuples(texts, anywhere, TEXTS)]
    if twins:
        of_twins = st.one_of(*(paths(alias) for alias in twins))
        leaves.append(st.tuples(st.just("ARRAY_CONTAINS"), of_twins, SCALARS))
        models = st.sampled_from([*MODELS, "dtmi:test:Deleted;1", "dtmi:test:Unknown;1"])
        leaves.append(st.tuples(st.just("is_of_model"), st.sampled_from(twins), models, st.booleans()))
    return st.recursive(
        st.one_of(leaves),
        lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        max_leaves=6,
    )


def assert_same(rows: list[Any], expected: list[Any]) -> None:
    assert Counter(map(repr, rows)) == Counter(map(repr, expected))


fuzzed = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@fuzzed
@given(graphs(), st.lists(conditions(["T"], []), min_size=1, max_size=12))
def test_compiled_conditions_on_twins_give_what_naive_ones_give(data: Data, several: list[Any]):
    with stored(data) as (graph, twins, _):
        for condition in several:
            rows = graph.rows(f"SELECT * FROM DIGITALTWINS T WHERE {naive.written(condition)}")
            assert_same(rows, [twin for twin in twins.values() if naive.truth(condition, {"T": twin}, MODELS)])


@fuzzed
@given(graphs(), st.lists(conditions([], ["R"]), min_size=1, max_size=12))
def test_compiled_conditions_on_relationships_give_what_naive_ones_give(data: Data, several: list[Any]):
    with stored(data) as (graph, _, relationships):
        for condition in several:
            rows = graph.rows(f"SELECT * FROM RELATIONSHIPS R WHERE {naive.written(condition)}")
            assert_same(rows, [one for one in relationships if naive.truth(condition, {"R": one}, MODELS)])


@fuzzed
@given(graphs(), st.data())
def test_compiled_joins_give_what_naive_ones_give(data: Data, draw: st.DataObject):
    joins: list[tuple[str, str, str, str]] = []
    for number in range(draw.draw(st.integers(1, 3))):
        source = draw.draw(st.sampled_from(["T0", *(join[2] for join in joins)])) if joins else "T0"
        joins.append((source, draw.draw(st.sampled_from(NAMES)), f"T{number + 1}", f"R{number}"))
    twins_named = ["T0", *(join[2] for join in joins)]
    relationships_named = [join[3] for join in joins]
    pin = draw.draw(pins(twins_named))
    condition = ("and", pin, draw.draw(conditions(twins_named, relationships_named)))
    source = "".join(f" JOIN {target} RELATED {source}.{name} {alias}" for source, name, target, alias in joins)
    names = draw.draw(st.permutations(twins_named + relationships_named))[: draw.draw(st.integers(1, 4))]
    with stored(data) as (graph, twins, relationships):
        rows = graph.rows(f"SELECT {', '.join(names)} FROM DIGITALTWINS T0{source} WHERE {naive.written(condition)}")
        expected = [
            {name: environment[name] for name in names}
            for environment in naive.joined(joins, twins, relationships)
            if naive.truth(condition, environment, MODELS)
        ]
        assert_same(rows, expected)


@st.composite
def hops(draw: st.DrawFn, alias: str) -> Hop:
    arrow = draw(st.sampled_from(["->", "<-", "-"]))
    names = tuple(draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2)))
    fewest, most = draw(st.sampled_from([(1, 1), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)]))
    named = most == 1 and draw(st.booleans())
    return Hop(arrow, names, fewest, most, alias if named else None)


@st.composite
def pins(draw: st.DrawFn, names: list[str]) -> Any:
    path = Path(draw(st.sampled_from(names)), ("$dtId",))
    if draw(st.booleans()):
        return ("compare", path, "=", draw(st.sampled_from(IDS[:3])))
    return ("in", path, draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=3)))


@st.composite
def patterns(draw: st.DrawFn) -> tuple[list[str | None], list[Hop], Any]:
    """The nodes and hops of a MATCH, and its condition."""
    edges = [draw(hops(f"r{number}")) for number in range(draw(st.sampled_from([0, 1, 1, 2, 2, 3])))]
    names = st.sampled_from(["x", "y", "z", "v", None])
    nodes = [draw(names) for _ in range(len(edges) + 1)]
    if not any(nodes):
        nodes[draw(st.integers(0, len(edges)))] = "x"
    twins = sorted({node for node in nodes if node})
    condition = draw(pins(twins))
    if draw(st.booleans()):
        condition = ("and", condition, draw(conditions(twins, [hop.alias for hop in edges if hop.alias])))
    return nodes, edges, condition


@fuzzed
@given(graphs(most_twins=3, most_relationships=5), st.lists(patterns(), min_size=1, max_size=10), st.integers(1, 3))
def test_compiled_patterns_give_what_naive_ones_give(data: Data, several: list[Any], page_size: int):
    with stored(data) as (graph, twins, relationships):
        for nodes, edges, condition in several:
            names = sorted({node for node in nodes if node} | {hop.alias for hop in edges if hop.alias})
            query = f"FROM DIGITALTWINS MATCH {naive.pattern(nodes, edges)} WHERE {naive.written(condition)}"
            rows = graph.rows(f"SELECT {', '.join(names)} {query}")
            expected = [
                {name: environment[name] for name in names}
                for environment in naive.matches(nodes, edges, twins, relationships)
                if naive.truth(condition, environment, MODELS)
            ]
            assert_same(rows, expected)
            assert graph.rows(f"SELECT COUNT() {query}") == [{"COUNT": len(expected)}]
            pages = list(graph.pages(f"SELECT {', '.join(names)} {query}", page_size))
            assert [row for page in pages for row in page] == rows
