"""JOIN … RELATED …."""

from .graph import Graph


def test_from_source_to_target(plant: Graph):
    assert plant.ids("SELECT L FROM DIGITALTWINS P JOIN L RELATED P.has WHERE P.$dtId = 'plant'") == [
        "line-1",
        "line-2",
    ]
    assert plant.ids("SELECT L FROM DIGITALTWINS P JOIN L RELATED P.has WHERE P.$dtId = 'saw'") == []


def test_the_pinned_twin_may_be_at_the_end(plant: Graph):
    query = "SELECT P FROM DIGITALTWINS P JOIN L RELATED P.has JOIN M RELATED L.has WHERE M.$dtId = 'saw'"
    assert plant.ids(query) == ["plant"]


def test_the_pinned_twin_may_be_in_the_middle(plant: Graph):
    query = "SELECT M FROM DIGITALTWINS P JOIN L RELATED P.has JOIN M RELATED L.has WHERE 'line-2' = L.$dtId"
    assert plant.ids(query) == ["heavy", "press"]


def test_several_joins_from_one_twin(graph: Graph):
    graph.twins("a", "b", "c", "d")
    graph.relate("a", "p", "b")
    graph.relate("a", "p", "c")
    graph.relate("a", "q", "d")
    joined = "FROM DIGITALTWINS X JOIN Y RELATED X.p JOIN Z RELATED X.q WHERE X.$dtId = 'a'"
    rows = graph.rows(f"SELECT Y.$dtId AS y, Z.$dtId AS z {joined}")
    assert rows == [{"y": "b", "z": "d"}, {"y": "c", "z": "d"}]


def test_two_joins_may_use_the_same_relationship(graph: Graph):
    graph.chain("a", "b")
    assert graph.ids("SELECT Z FROM DIGITALTWINS X JOIN Y RELATED X.to JOIN Z RELATED X.to WHERE X.$dtId = 'a'") == [
        "b"
    ]


def test_one_row_for_each_path(graph: Graph):
    graph.chain("a", "b")
    graph.relate("a", "to", "b")
    assert graph.ids("SELECT Y FROM DIGITALTWINS X JOIN Y RELATED X.to WHERE X.$dtId IN ['a', 'b']") == ["b", "b"]


def test_conditions_on_relationships(plant: Graph):
    query = "SELECT L FROM DIGITALTWINS P JOIN L RELATED P.has R WHERE P.$dtId = 'plant' AND "
    assert plant.ids(f"{query}R.since = 1999") == ["line-1"]
    assert plant.ids(f"{query}NOT IS_DEFINED(R.since)") == ["line-2"]
    assert plant.ids(f"{query}R.$relationshipId = 'h2'") == ["line-2"]
    assert plant.ids(f"{query}R.$sourceId = P.$dtId AND R.$targetId = 'line-1'") == ["line-1"]


def test_relationship_names_are_matched_to_the_letter(plant: Graph):
    assert plant.ids("SELECT L FROM DIGITALTWINS P JOIN L RELATED P.Has WHERE P.$dtId = 'plant'") == []


def test_five_joins_are_followed(graph: Graph):
    graph.chain(*"abcdef")
    joins = " ".join(f"JOIN {target} RELATED {source}.to" for source, target in zip("abcde", "bcdef", strict=True))
    assert graph.ids(f"SELECT f FROM DIGITALTWINS a {joins} WHERE a.$dtId = 'a'") == ["f"]


def test_keywords_can_be_names(graph: Graph):
    graph.twins("a", "b")
    graph.relate("a", "join", "b")
    assert graph.ids(
        "SELECT related FROM DIGITALTWINS contains JOIN related RELATED contains.join WHERE contains.$dtId = 'a'"
    ) == ["b"]
