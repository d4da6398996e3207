"""MATCH."""

import pytest

from .graph import Graph


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("(x) WHERE x.$dtId = 'saw'", ["saw"]),
        ("(p)-[]->(x) WHERE p.$dtId = 'plant'", ["line-1", "line-2"]),
        ("(s)<-[]-(x) WHERE s.$dtId = 'saw'", ["gauge", "line-1"]),
        ("(x)-[]->(s) WHERE s.$dtId = 'saw'", ["gauge", "line-1"]),
        ("(l)-[]-(x) WHERE l.$dtId = 'line-1'", ["lathe", "plant", "saw"]),
        ("(s)<-[:watches]-(x) WHERE s.$dtId = 'saw'", ["gauge"]),
        ("(s)<-[:watches|has]-(x) WHERE s.$dtId = 'saw'", ["gauge", "line-1"]),
        ("(p)-[]->()-[]->(x) WHERE p.$dtId = 'plant' AND x.load < 5", ["lathe", "saw"]),
        ("(p)-[:has]->(l)-[:has]->(x)<-[w:watches]-() WHERE p.$dtId = 'plant' AND w.every = 5", ["saw"]),
        ("(l)-[]->(x)<-[:watches]-(g) WHERE x.$dtId IN ['saw', 'lathe']", ["saw"]),
        ("(p)-[*2]->(x) WHERE p.$dtId = 'plant'", ["heavy", "lathe", "press", "saw"]),
        ("(p)-[*..2]->(x) WHERE p.$dtId = 'plant'", ["heavy", "lathe", "line-1", "line-2", "press", "saw"]),
        ("(p)-[*1..2]->(x) WHERE p.$dtId = 'plant'", ["heavy", "lathe", "press", "saw"]),
        ("(p)-[*0..1]->(x) WHERE p.$dtId = 'plant'", ["line-1", "line-2"]),
        ("(p)-[:has*..9]->(x) WHERE x.$dtId = 'saw'", ["saw", "saw"]),
        ("(x)-[:has*..9]->(s) WHERE s.$dtId = 'saw'", ["line-1", "plant"]),
        ("(g)-[*3]-(x) WHERE g.$dtId = 'gauge'", ["lathe", "plant"]),
        ("(p)-[r]->(x) WHERE p.$dtId = 'plant' AND r.since > 1000", ["line-1"]),
        ("(p)-[*..2]->(m)<-[:watches]-(x) WHERE p.$dtId = 'plant' AND m.running = true", ["gauge"]),
        ("(p)-[:has]->(l)-[*..1]->(x) WHERE p.$dtId = 'plant' AND l.rank = 2", ["heavy", "press"]),
        ("(l)-[:has]->(m)-[*..4]-(x) WHERE l.$dtId = 'line-1' AND m.running = true AND x.group = 'Alpha'", ["gauge"]),
    ],
)
def test_patterns_find_paths_by_name_and_direction(plant: Graph, pattern: str, found: list[str]):
    assert plant.match(pattern) == found


@pytest.fixture
def ring(graph: Graph) -> Graph:
    graph.chain("a", "b", "c", "a")
    return graph


def test_ten_hops_are_followed(graph: Graph):
    graph.chain(*"abcdefghijkl")
    assert graph.match("(a)-[*10]->(x) WHERE a.$dtId = 'a'") == ["k"]
    assert graph.match("(a)-[*9..10]->(x) WHERE a.$dtId = 'a'") == ["k"]
    hops = "-[]->".join(["(a)", *["()"] * 9, "(x)"])
    assert graph.match(f"{hops} WHERE a.$dtId = 'a'") == ["k"]


def test_a_relationship_is_used_once_on_a_path(ring: Graph):
    assert ring.match("(a)-[*..10]->(x) WHERE a.$dtId = 'a'") == ["a", "b", "c"]
    assert ring.match("(a)-[*3]->(x) WHERE a.$dtId = 'a'") == ["a"]
    assert ring.match("(a)-[*4]->(x) WHERE a.$dtId = 'a'") == []
    assert ring.match("(a)-[]->()-[]->()-[]->()-[]->(x) WHERE a.$dtId = 'a'") == []
    assert ring.match("(a)-[]->(b)-[*..10]->(x) WHERE a.$dtId = 'a'") == ["a", "c"]
    assert ring.match("(a)-[*..10]->(b)-[]->(x) WHERE a.$dtId = 'a' AND b.$dtId = 'a'") == []


def test_there_and_back_takes_two_relationships(graph: Graph):
    graph.chain("a", "b")
    assert graph.match("(a)-[]-()-[]-(x) WHERE a.$dtId = 'a'") == []
    graph.relate("b", "back", "a")
    assert graph.match("(a)-[]-()-[]-(x) WHERE a.$dtId = 'a'") == ["a", "a"]
    assert graph.match("(a)-[*2]-(x) WHERE a.$dtId = 'a'") == ["a"]


def test_a_name_that_comes_again_is_the_same_twin(ring: Graph):
    assert ring.match("(x)-[]->()-[]->()-[]->(x) WHERE x.$dtId = 'b'") == ["b"]
    assert ring.match("(x)-[]->()-[]->(x) WHERE x.$dtId = 'b'") == []
    assert ring.match("(x)-[*..5]->(x) WHERE x.$dtId IN ['b', 'c']") == ["b", "c"]


def test_a_range_of_hops_gives_each_twin_once(graph: Graph):
    graph.chain("a", "b", "d")
    graph.chain("a", "c", "d")
    assert graph.match("(a)-[*2]->(x) WHERE a.$dtId = 'a'") == ["d"]
    assert graph.match("(a)-[*..2]->(x) WHERE a.$dtId = 'a'") == ["b", "c", "d"]
    assert graph.match("(a)-[]->()-[]->(x) WHERE a.$dtId = 'a'") == ["d", "d"]


def test_many_paths_between_few_twins(graph: Graph):
    """Walking every path would take for ever: there are 20 ** 9 of ten hops."""
    twins = [f"t{number}" for number in range(20)]
    graph.twins(*twins)
    for source in twins:
        for target in twins:
            if source != target:
                graph.relate(source, "next", target)
    assert graph.match("(a)-[:next*..10]->(x) WHERE a.$dtId = 't0'") == sorted(twins)
