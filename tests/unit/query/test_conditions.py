"""WHERE: operators and their precedence, types, literals, paths."""

import pytest

from .graph import Graph


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("T.load = 2", ["lathe"]),
        ("T.load = 2.0", ["lathe"]),
        ("T.load = 2e0", ["lathe"]),
        ("T.load != 2", ["heavy", "press", "saw"]),
        ("T.load > 0.5", ["lathe", "press"]),
        ("T.load >= 0.5", ["lathe", "press", "saw"]),
        ("T.load < 7", ["lathe", "saw"]),
        ("T.load <= 7", ["lathe", "press", "saw"]),
        ("2 = T.load", ["lathe"]),
        ("2 < T.load", ["press"]),
        ("T.load > -1 AND T.load < 1", ["saw"]),
        ("T.name < 'P'", ["lathe", "line-1"]),
        ("T.name = 'O\\'Lathe'", ["lathe"]),
        ("T.running = TRUE", ["saw"]),
        ("T.running != true", ["lathe"]),
        ("T.$dtId = 'saw'", ["saw"]),
        ("T.$dtId = T.group", []),
        ("1 = 1 AND T.rank = 1", ["line-1"]),
        ("'a' > 'b' OR T.rank = 1", ["line-1"]),
    ],
)
def test_comparisons_select_by_value(plant: Graph, condition: str, found: list[str]):
    assert plant.where(condition) == found


@pytest.mark.parametrize("condition", ["T.load = '2'", "T.load > ''", "T.running = 1", "T.running < TRUE"])
def test_types_are_not_converted(plant: Graph, condition: str):
    assert plant.where(condition) == (["heavy"] if condition == "T.load > ''" else [])


def test_values_of_different_types_are_unequal(plant: Graph):
    assert plant.where("T.load != '2'") == ["heavy", "lathe", "press", "saw"]


@pytest.mark.parametrize(
    ("condition", "is_true"),
    [
        ("1 != 'a'", True),
        ("1 = 'a'", False),
        ("1 < 'a'", False),
        ("1 >= 'a'", False),
        ("TRUE = TRUE", True),
        ("TRUE = FALSE", False),
        ("TRUE != FALSE", True),
        ("TRUE != TRUE", False),
        ("TRUE < FALSE", False),
        ("1 < 2", True),
        ("2 < 1", False),
        ("'a' <= 'a'", True),
        ("1 = NULL", False),
        ("1 != NULL", True),
        ("NULL = NULL", True),
        ("NULL < 1", False),
    ],
)
def test_literals_compare_as_values_do(plant: Graph, condition: str, is_true: bool):
    assert plant.where(f"{condition} AND T.rank = 1") == (["line-1"] if is_true else [])


def test_an_absent_value_is_neither_equal_nor_unequal(plant: Graph):
    assert plant.where("T.rank != 1") == ["line-2"]
    assert plant.where("NOT T.rank = 1") == ["line-2"]
    assert plant.where("T.rank NIN [1]") == ["line-2"]
    assert plant.where("NOT (T.rank < 2 OR T.rank > 2)") == ["line-2"]


def test_there_is_no_order_between_types_not_even_negated(plant: Graph):
    assert plant.where("NOT T.load < 7") == ["press"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("T.load < 2", ["lathe", "press"]),
        ("T.load <= 2", ["press"]),
        ("T.load > 2", ["lathe", "saw"]),
        ("T.load >= 2", ["saw"]),
        ("T.load = 2", ["heavy", "press", "saw"]),
        ("T.load != 2", ["lathe"]),
    ],
)
def test_the_opposite_of_each_operator(plant: Graph, condition: str, found: list[str]):
    assert plant.where(f"NOT {condition}") == found


@pytest.mark.parametrize("other", ["1", 1, True, False, {"x": 1}, [1]])
def test_two_properties_of_different_types_are_unequal(graph: Graph, other: object):
    graph.twin("a", one=1.5, other=other)
    graph.twin("same", one=other, other=other)
    scalar = not isinstance(other, (dict, list))
    assert graph.where("T.one = T.other") == (["same"] if scalar else [])
    assert graph.where("T.one != T.other") == ["a"]
    assert graph.where("T.one != T.missing") == []


def test_null_is_what_is_absent(plant: Graph):
    assert plant.where("T.rank = NULL AND T.name != null AND T.$dtId IN ['line-1', 'saw']") == ["saw"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("T.rank = 1 OR T.rank = 2 AND T.name = 'x'", ["line-1"]),
        ("(T.rank = 1 OR T.rank = 2) AND T.name = 'South'", ["line-2"]),
        ("NOT T.rank = 1 AND T.name = 'South'", ["line-2"]),
        ("NOT T.rank = 1 OR T.name = 'North'", ["line-1", "line-2"]),
        ("not not (((T.rank = 1)))", ["line-1"]),
        ("NOT (T.rank = 1 AND T.name = 'South')", ["line-1", "line-2", *["gauge", "lathe", "plant", "saw"]]),
    ],
)
def test_not_binds_tighter_than_and_and_that_tighter_than_or(plant: Graph, condition: str, found: list[str]):
    assert plant.where(condition) == sorted(found)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("T.load IN [2, 7, 'unknown']", ["heavy", "lathe", "press"]),
        ("T.load IN [2.0, True]", ["lathe"]),
        ("T.running in [false]", ["lathe"]),
        ("T.load IN ['2']", []),
        ("T.load IN []", []),
        ("T.load NIN []", ["heavy", "lathe", "press", "saw"]),
        ("T.load NIN [2, 7]", ["heavy", "saw"]),
        ("NOT T.load NIN [2, 7]", ["lathe", "press"]),
        ("T.$dtId IN ['saw', 5, 'none']", ["saw"]),
    ],
)
def test_in_and_nin(plant: Graph, condition: str, found: list[str]):
    assert plant.where(condition) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("load = 2", ["lathe"]),
        ("T.notes.[[night shift]] = true", ["saw"]),
        ("notes.[[night shift]] = true", ["saw"]),
        ("T.motor.speed = 900", ["heavy"]),
        ("[[group]] = 'Alpha'", ["gauge"]),
        ("T.group = 'Alpha'", ["gauge"]),
        ("[[T]] = 'Alpha'", []),
        ("T.$metadata.$model = 'dtmi:plant:Gauge;1'", ["gauge"]),
        ("T.$metadata.group.lastUpdateTime > '2024'", ["gauge"]),
        ("$etag = 'W/\"saw\"'", ["saw"]),
        ("T . load = 2", ["lathe"]),
        ("T.Load = 2", []),
        ("T.load.deeper = 2", []),
        ("t.load = 2", []),
    ],
)
def test_paths_lead_into_objects_components_and_maps(plant: Graph, condition: str, found: list[str]):
    assert plant.where(condition) == found


@pytest.mark.parametrize("key", ['say "so"', "back\\slash", "tab\there", "a.b", "$dollar", "a[0]b", "ключ", "%_*"])
def test_map_keys_of_any_kind(graph: Graph, key: str):
    graph.twin("with", notes={key: {"depth": [1]}, "other": 1})
    graph.twin("without", notes={"other": {"depth": [1]}})
    assert graph.where(f"IS_OBJECT(T.notes.[[{key}]])") == ["with"]
    assert graph.where(f"ARRAY_CONTAINS(T.notes.[[{key}]].depth, 1)") == ["with"]
    assert graph.rows(f"SELECT T.notes.[[{key}]] AS found FROM DIGITALTWINS T") == [{"found": {"depth": [1]}}, {}]


@pytest.mark.parametrize(
    "value", ['"', "\\", "%", "_", "*", "'", "é", "🙂", "\u2028", "a\nb", "'); DROP TABLE models; --"]
)
def test_texts_mean_themselves(graph: Graph, value: str):
    graph.twin("with", text=f"<{value}>")
    graph.twin("without", text="<plain>")
    written = value.replace("\\", "\\\\").replace("'", "\\'")
    assert graph.where(f"T.text = '<{written}>'") == ["with"]
    assert graph.where(f"CONTAINS(T.text, '{written}')") == ["with"]


def test_integers_of_64_bits_are_exact(graph: Graph):
    graph.twin("even", number=2**62)
    graph.twin("odd", number=2**62 + 1)
    assert graph.where(f"T.number = {2**62 + 1}") == ["odd"]
    assert graph.where(f"T.number < {2**62 + 1}") == ["even"]
    assert graph.where("T.number < 99999999999999999999999999") == ["even", "odd"]
    assert graph.where("T.number > -1e999") == ["even", "odd"]


def test_a_number_is_no_id_of_the_same_digits(graph: Graph):
    graph.twin("5", number=5)
    assert graph.where("T.$dtId = T.number") == []
    assert graph.where("T.$dtId != T.number") == ["5"]


def test_two_objects_do_not_compare(graph: Graph):
    graph.twin("a", one={"x": 1}, two={"x": 1}, three=[1])
    assert graph.where("T.one = T.two OR T.one != T.two OR T.one != T.three") == []
    assert graph.where("T.one != 1") == ["a"]
