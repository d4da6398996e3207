"""Array, Enum, Map and Object: their parts, their nesting, and where they may stand."""

from typing import Any

import pytest

from .models import interface, prop, rules

VERSIONS = pytest.mark.parametrize("version", [2, 3])
MAP = {"@type": "Map", "mapKey": {"name": "key", "schema": "string"}, "mapValue": {"name": "value", "schema": "double"}}
ARRAY = {"@type": "Array", "elementSchema": "double"}


def enum(*values: Any, of: str = "string"):
    return {
        "@type": "Enum",
        "valueSchema": of,
        "enumValues": [{"name": f"n{i}", "enumValue": v} for i, v in enumerate(values)],
    }


def nested(schema: Any, depth: int):
    for _ in range(depth):
        schema = {"@type": "Object", "fields": [{"name": "inner", "schema": schema}]}
    return schema


@VERSIONS
@pytest.mark.parametrize(
    "schema", [MAP, enum("a", "b"), enum(0, 1, -5, of="integer"), enum(1.0, of="integer"), nested("date", 2)]
)
def test_complex_schemas_of_every_kind_are_accepted(version: int, schema: Any):
    assert rules(interface(version=version, contents=[prop(schema)])) == []


@VERSIONS
@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        ({"@type": "Enum", "enumValues": [{"name": "a", "enumValue": "a"}]}, "missingObjectProperty"),
        (enum(1.5, of="double"), "incorrectPropertyValue"),
        (enum(1), "nonConformantDatatype"),
        (enum("1", of="integer"), "nonConformantDatatype"),
        (enum(1.5, of="integer"), "nonConformantDatatype"),
        (enum(2**31, of="integer"), "nonConformantDatatype"),
        (enum(10**400, of="integer"), "nonConformantDatatype"),
        (enum("a", "a"), "nonUniquePropertyValue"),
        (enum(1, 1.0, of="integer"), "nonUniquePropertyValue"),
        ({**MAP, "mapKey": {"name": "key", "schema": "integer"}}, "badType"),
        ({"@type": "Map", "mapKey": MAP["mapKey"]}, "missingObjectProperty"),
        ({"@type": "Array"}, "missingObjectProperty"),
        ({"@type": "Object", "fields": [{"name": "a", "schema": "string"}] * 2}, "nonUniquePropertyValue"),
        ({"@type": "Object", "fields": [{"name": "a"}]}, "missingObjectProperty"),
        ({"@type": "Object", "fields": [{"@type": "Property", "name": "a", "schema": "string"}]}, "badType"),
        ({"@type": "Object", "fields": [{"@type": "Temperature", "name": "a", "schema": "double"}]}, "badType"),
        ({"@type": "Double"}, "badType"),
        ({"fields": []}, "badType"),
        ({}, "badType"),
    ],
)
def test_wrong_complex_schemas_are_refused(version: int, schema: Any, rule: str):
    found = rules(interface(version=version, contents=[prop(schema)]))

    assert rule in found or (version == 3 and rule == "badType" and "typeUndefinedTerm" in found)


def test_dtdl_2_limits_enum_values_and_fields():
    def fields(count: int) -> dict[str, Any]:
        return {"@type": "Object", "fields": [{"name": f"f{number}", "schema": "string"} for number in range(count)]}

    def choices(count: int) -> dict[str, Any]:
        return enum(*map(str, range(count)))

    assert rules(interface(contents=[prop(fields(30))])) == []
    assert rules(interface(contents=[prop(fields(31))])) == ["objectCountAboveMax"]
    assert rules(interface(contents=[prop(fields(0))])) == ["objectCountBelowMin"]
    assert rules(interface(contents=[prop(choices(100))])) == []
    assert rules(interface(contents=[prop(choices(101))])) == ["objectCountAboveMax"]
    assert rules(interface(contents=[prop(choices(0))])) == ["objectCountBelowMin"]
    assert rules(interface(version=3, contents=[prop(fields(31)), prop(choices(101), name="b")])) == []
    assert (
        rules(
            interface(version=3, contents=[prop(fields(0)), prop({"@type": "Enum", "valueSchema": "string"}, name="b")])
        )
        == []
    )


@VERSIONS
@pytest.mark.parametrize(("schema", "deepest"), [("string", 5), ("point", 3), ("polygon", 1), ("multiPolygon", 0)])
def test_schemas_nest_five_levels_and_geometries_count_what_they_are_made_of(version: int, schema: Any, deepest: int):
    def telemetry(depth: int) -> dict[str, Any]:
        return {"@type": "Telemetry", "name": "deep", "schema": nested(schema, depth)}

    assert rules(interface(version=version, contents=[telemetry(deepest)])) == []
    assert set(rules(interface(version=version, contents=[telemetry(deepest + 1)]))) == {"excessiveDepthWide"}


@pytest.mark.parametrize(
    "schema", [ARRAY, "point", "multiPolygon", {**MAP, "mapValue": {"name": "v", "schema": ARRAY}}, nested(ARRAY, 3)]
)
def test_dtdl_2_has_no_arrays_in_properties(schema: Any):
    telemetry = prop(schema, **{"@type": "Telemetry"})
    relationship = {"@type": "Relationship", "name": "r", "properties": [prop(schema)]}

    assert rules(interface(contents=[prop(schema)])) == ["excludedType"]
    assert rules(interface(contents=[relationship])) == ["excludedType"]
    assert rules(interface(contents=[telemetry])) == []
    assert rules(interface(version=3, contents=[prop(schema)])) == []


@VERSIONS
def test_schemas_of_an_interface_serve_its_contents(version: int):
    mode = {"@id": "dtmi:example:Room:mode;1", **enum("on", "off")}

    assert rules(interface(version=version, schemas=mode, contents=[prop("dtmi:example:Room:mode;1")])) == []


@VERSIONS
@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        (enum("on"), "missingRequiredId"),
        ("string", "badType"),
        ({"@id": "dtmi:example:Other;1", "@type": "Interface"}, "badType"),
    ],
)
def test_what_schemas_may_not_hold(version: int, schema: Any, rule: str):
    assert rule in rules(interface(version=version, schemas=[schema]))


def test_schemas_of_another_interface_are_out_of_reach():
    mode = {"@id": "dtmi:example:mode;1", **enum("on", "off")}
    owner = interface("Owner", schemas=mode)
    borrower = interface("Borrower", extends="dtmi:example:Owner;1", contents=[prop("dtmi:example:mode;1")])

    assert rules(owner, borrower) == ["crossPartitionReference"]
    assert rules(borrower, stored={"dtmi:example:Owner;1": owner}) == ["crossPartitionReference"]


@VERSIONS
def test_a_schema_may_not_contain_itself(version: int):
    itself = {"@id": "dtmi:example:s;1", "@type": "Object", "fields": [{"name": "f", "schema": "dtmi:example:s;1"}]}

    assert rules(interface(version=version, schemas=itself)) == ["recursiveStructureWide"]
