"""Values against schemas."""

import sys
from typing import Any

import pytest

from localtwins.dtdl import (
    ArraySchema,
    EnumSchema,
    Geospatial,
    MapSchema,
    ObjectSchema,
    Primitive,
    ValueProblem,
    value_problem,
)

ACCEPTED: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, -(2**31), 2**31 - 1],
    "long": [0, -(2**63), 2**63 - 1],
    "double": [0, 1.5, -1e308, 2**63, sys.float_info.max, -sys.float_info.max, 5e-324],
    "float": [0, 1.5, -3.4028234663852886e38, 3.4028235e38, 1e-50],
    "string": ["", "text", "\x00"],
    "date": ["1965-12-31", "2024-02-29", "0001-01-01", "9999-12-31"],
    "dateTime": [
        "1965-12-31T23:59:59Z",
        "2020-01-01T00:00:00.1234567+05:30",
        "2020-01-01T00:00:00-14:00",
        "2020-01-01T00:00:00",
    ],
    "time": ["23:59:59Z", "00:00:00.5-03:00", "23:59:59", "23:59:59.5"],
    "duration": ["P1Y", "P1Y2M3DT4H5M6S", "P3W", "P3.4W", "P1W2D", "P1WT1H", "PT0.5S", "P1.5D", "PT1.5H", "P0D", "P1M"],
}
REFUSED: dict[str, list[Any]] = {
    "boolean": [0, 1, "true", None, [], {}],
    "integer": [3.0, -0.0, 2**31, -(2**31) - 1, "3", True, None],
    "long": [3.0, 2**63, 1e19, "3", True, None],
    "double": ["1.5", True, None, float("inf"), float("nan"), 10**309, -(10**400), {}],
    "float": [1e39, -3.5e38, 3.4028236e38, 10**39, "1", True, None],
    "string": [5, True, None, ["text"], {}],
    "date": [
        "19650101",
        "1965-01",
        "2023-02-29",
        "0000-01-01",
        "1965-1-1",
        "1965-01-01T00:00:00Z",
        "\uff11965-01-01",
        5,
    ],
    "dateTime": [
        *("2020-01-01", "2020-01-01T00:00", "2020-01-01T00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:00:60Z"),
        *("2020-01-01T00:00:00+11", "2020-01-01T00:00:00-1:15", "2020-01-01 00:00:00Z", "2020-02-30T00:00:00Z"),
        *("2020-01-01T00:00:00Z\n", "2020-01-01T00:00:00.Z", "", 5),
    ],
    "time": ["23:59Z", "24:00:00Z", "23:59", "23:59:59.", "2020-01-01T23:59:59Z", "T23:59:59Z", 5],
    "duration": ["P", "PT", "P1DT", "P1Y1W", "P1M1W", "P1.5W1D", "P1.5Y1M", "PT.1S", "1D", "P1S", "PT1D", "", 5],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ACCEPTED.items() for value in values])
def test_values_of_their_type_fit_primitive_schemas(name: str, value: Any):
    assert value_problem(Primitive(name), value, "reading") is None


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_values_of_other_types_do_not_fit_primitive_schemas(name: str, value: Any):
    assert value_problem(Primitive(name), value, "reading") == ValueProblem("reading", Primitive(name), "type")


def test_an_enum_takes_its_values_and_not_their_names_or_likes():
    mode = EnumSchema("integer", frozenset([0, 1]))
    others: list[Any] = ["on", 2, 1.0, True, "1", None, [], {}]

    assert value_problem(mode, 1, "mode") is None
    for value in others:
        assert value_problem(mode, value, "mode") == ValueProblem("mode", mode, "type")
    assert value_problem(EnumSchema("string", frozenset(["on"])), "on", "mode") is None


ADDRESS = ObjectSchema({"city": Primitive("string"), "floors": ArraySchema(Primitive("integer"))})


@pytest.mark.parametrize("value", [{}, {"city": "Bonn"}, {"city": "", "floors": []}, {"floors": [1, 2]}])
def test_an_object_takes_any_of_its_fields(value: Any):
    assert value_problem(ADDRESS, value, "address") is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], ValueProblem("address", ADDRESS, "type")),
        (None, ValueProblem("address", ADDRESS, "type")),
        ({"street": "x"}, ValueProblem("address/street", ADDRESS, "unknown_field")),
        ({"city": None}, ValueProblem("address/city", Primitive("string"), "type")),
        ({"floors": [1, "2"]}, ValueProblem("address/floors/1", Primitive("integer"), "type")),
        ({"floors": {}}, ValueProblem("address/floors", ADDRESS.fields["floors"], "type")),
        ({"a/b~c": 1}, ValueProblem("address/a~1b~0c", ADDRESS, "unknown_field")),
    ],
)
def test_the_path_leads_to_the_first_mismatch(value: Any, problem: ValueProblem):
    assert value_problem(ADDRESS, value, "address") == problem


def test_a_map_takes_any_keys_and_values_of_its_schema():
    tags = MapSchema(Primitive("boolean"))

    assert value_problem(tags, {}, "tags") is None
    assert value_problem(tags, {"1": True, "with space": False}, "tags") is None
    assert value_problem(tags, {"a": True, "b": None}, "tags") == ValueProblem("tags/b", Primitive("boolean"), "type")
    assert value_problem(tags, [True], "tags") == ValueProblem("tags", tags, "type")


def test_an_array_takes_elements_of_its_schema():
    readings = ArraySchema(Primitive("double"))

    assert value_problem(readings, [], "readings") is None
    assert value_problem(readings, [1, 2.5], "readings") is None
    assert value_problem(readings, [1, None], "readings") == ValueProblem("readings/1", Primitive("double"), "type")


LINE = [[0, 0], [1.5, 2, 100]]


@pytest.mark.parametrize(
    ("name", "kind", "coordinates"),
    [
        ("point", "Point", [7.1, 50.7]),
        ("multiPoint", "MultiPoint", LINE),
        ("lineString", "LineString", LINE),
        ("multiLineString", "MultiLineString", [LINE, LINE]),
        ("polygon", "Polygon", [[[0, 0], [1, 0], [1, 1], [0, 0]]]),
        ("multiPolygon", "MultiPolygon", [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]),
    ],
)
def test_geometries_are_taken_in_their_shape_and_in_no_other(name: str, kind: Any, coordinates: Any):
    schema = Geospatial(name)

    assert value_problem(schema, {"type": kind, "coordinates": coordinates}, "where") is None
    for value in (
        {"type": kind},
        {"coordinates": coordinates},
        {"type": kind.lower(), "coordinates": coordinates},
        {"type": kind, "coordinates": [coordinates]},
        {"type": kind, "coordinates": "0 0"},
        {"type": kind, "coordinates": coordinates, "name": "x"},
        coordinates,
        None,
    ):
        assert value_problem(schema, value, "where") == ValueProblem("where", schema, "type")


@pytest.mark.parametrize("position", [[], [1], ["1", "2"], [1, None], [True, False]])
def test_a_position_is_two_numbers_or_more(position: Any):
    assert value_problem(Geospatial("point"), {"type": "Point", "coordinates": position}, "where") is not None


def test_names_of_schemas_in_messages():
    schemas: list[Any] = [Primitive("dateTime"), Geospatial("point"), EnumSchema("string", frozenset()), ADDRESS]
    schemas += [MapSchema(Primitive("long")), ArraySchema(Primitive("long"))]

    assert [schema.name for schema in schemas] == ["dateTime", "point", "enum", "object", "map", "array"]


@pytest.mark.parametrize("schema", [ADDRESS, MapSchema(ADDRESS), ArraySchema(ADDRESS), Geospatial("polygon")])
def test_hostile_nesting_in_a_value_is_a_mismatch_like_any_other(schema: Any):
    for wrap in (
        lambda inner: [inner],
        lambda inner: {"city": inner},
        lambda inner: {"type": "Polygon", "coordinates": inner},
    ):
        value: Any = 1
        for _ in range(100_000):
            value = wrap(value)
        assert value_problem(schema, value, "reading") is not None
        while isinstance(value, list | dict):  # take it apart, or freeing it would recurse just as deep
            value = value.pop() if isinstance(value, list) else value.popitem()[1]
