"""Functions in WHERE."""

import pytest

from localtwins.query import functions
from localtwins.query.syntax import FUNCTION_NAMES

from .graph import Graph


def test_every_function_of_the_language_has_its_sql():
    assert functions._TYPES.keys() | functions._FUNCTIONS.keys() == FUNCTION_NAMES


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("IS_DEFINED(T.notes)", ["saw"]),
        ("NOT IS_DEFINED(T.name)", ["heavy", "press"]),
        ("IS_NULL(T.name)", ["heavy", "press"]),
        ("IS_STRING(T.load)", ["heavy"]),
        ("IS_NUMBER(T.load)", ["lathe", "press", "saw"]),
        ("is_bool( T.running )", ["lathe", "saw"]),
        ("IS_OBJECT(T.notes) OR IS_OBJECT(T.codes) OR IS_OBJECT(T.motor)", ["heavy", "saw"]),
        ("IS_PRIMITIVE(T.load) AND NOT IS_NUMBER(T.load)", ["heavy"]),
        ("IS_PRIMITIVE(T.codes) OR IS_PRIMITIVE(T.notes)", []),
        ("STARTSWITH(T.name, 'S')", ["line-2", "saw"]),
        ("STARTSWITH(T.$dtId, 'line-')", ["line-1", "line-2"]),
        ("ENDSWITH(T.name, 'th')", ["line-1", "line-2"]),
        ("CONTAINS(T.name, 'at')", ["lathe"]),
        ("CONTAINS(T.name, 'AT')", []),
        ("NOT CONTAINS(T.name, 'a') AND IS_DEFINED(T.rank)", ["line-1", "line-2"]),
        ("STARTSWITH(T.load, '') OR ENDSWITH(T.load, '') OR CONTAINS(T.load, '')", ["heavy"]),
        ("STARTSWITH(T.load, '7') OR ENDSWITH(T.load, '7') OR CONTAINS(T.load, '7')", []),
    ],
)
def test_types_and_texts(plant: Graph, condition: str, found: list[str]):
    assert plant.where(condition) == found


@pytest.mark.parametrize("prefix", ["a", "\ud7ff", "\U0010ffff", "a\U0010ffff"])
def test_startswith_any_character(graph: Graph, prefix: str):
    graph.twin("with", text=f"{prefix}\U0010ffff.")
    graph.twin("before", text=prefix[:-1])
    graph.twin("behind", text="\ue000")
    assert graph.where(f"STARTSWITH(T.text, '{prefix}')") == ["with"]


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("3", ["press"]),
        ("3.0", ["press"]),
        ("'three'", ["press"]),
        ("true", ["press"]),
        ("1", []),
        ("'3'", []),
        ("4", []),
    ],
)
def test_array_contains_finds_an_element(plant: Graph, item: str, found: list[str]):
    assert plant.where(f"ARRAY_CONTAINS(T.codes, {item})") == found


def test_array_contains_looks_into_arrays_only(graph: Graph):
    graph.twin("object", values={"x": 1})
    graph.twin("scalar", values=1)
    graph.twin("array", values=[1])
    assert graph.where("ARRAY_CONTAINS(T.values, 1)") == ["array"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("IS_OF_MODEL('dtmi:plant:Machine;1')", ["heavy", "lathe", "press", "saw"]),
        ("IS_OF_MODEL(T, 'dtmi:plant:Machine;1')", ["heavy", "lathe", "press", "saw"]),
        ("IS_OF_MODEL(T, 'dtmi:plant:Machine;2')", ["lathe"]),
        ("IS_OF_MODEL(T, 'dtmi:plant:Press;1')", ["heavy", "press"]),
        ("IS_OF_MODEL('dtmi:plant:Machine;1', exact)", ["saw"]),
        ("IS_OF_MODEL(T, 'dtmi:plant:Machine;1', EXACT)", ["saw"]),
        ("IS_OF_MODEL('dtmi:plant:Mach;1')", []),
        ("IS_OF_MODEL('no model')", []),
        ("NOT IS_OF_MODEL('dtmi:plant:Machine;1')", ["gauge", "line-1", "line-2", "plant"]),
    ],
)
def test_is_of_model(plant: Graph, condition: str, found: list[str]):
    assert plant.where(condition) == found


def test_twins_outlive_their_model(plant: Graph):
    assert plant.where("IS_OF_MODEL('dtmi:plant:Plant;1')") == ["plant"]


def test_minor_versions_are_versions(graph: Graph):
    for version in ("2", "2.1", "2.10", "10"):
        graph.model(f"dtmi:a;{version}")
        graph.twin(version, f"dtmi:a;{version}")
    assert graph.where("IS_OF_MODEL('dtmi:a;2.2')") == ["10", "2.10"]
    assert graph.where("IS_OF_MODEL('dtmi:a;2')") == ["10", "2", "2.1", "2.10"]
