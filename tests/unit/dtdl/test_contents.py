"""Contents of an interface: names, fields, limits."""

from typing import Any

import pytest

from .models import interface, prop, rules

VERSIONS = pytest.mark.parametrize("version", [2, 3])


@VERSIONS
def test_every_kind_of_content_is_accepted(version: int):
    payload = {"name": "argument", "schema": "duration"}
    contents = [
        {"@type": "Property", "name": "label", "schema": "string", "writable": True},
        {"@type": "Telemetry", "name": "where", "schema": "point"},
        {"@type": "Relationship", "name": "contains", "target": "dtmi:example:Anything;1", "maxMultiplicity": 5},
        {"@type": "Relationship", "name": "near", "minMultiplicity": 0, "writable": False},
        {"@type": "Component", "name": "sensor", "schema": "dtmi:example:Sensor;1"},
        {"@type": "Command", "name": "reset", "request": payload, "response": payload},
    ]

    assert rules(interface(version=version, contents=contents), interface("Sensor", version)) == []


@pytest.mark.parametrize("name", ["a", "A1", "with_underscore", "a__b9"])
def test_valid_names_of_contents_are_accepted(name: str):
    assert rules(interface(contents=[prop("string", name=name)])) == []


@pytest.mark.parametrize("name", ["", "1a", "_a", "a_", "a-b", "a b", "a.b", "ä", "$a", "a\n"])
def test_invalid_names_of_contents_are_refused(name: str):
    assert rules(interface(contents=[prop("string", name=name)])) == ["stringInvalid"]


@pytest.mark.parametrize(("version", "longest"), [(2, 64), (3, 512)])
def test_the_longest_name_is_that_of_the_version(version: int, longest: int):
    assert rules(interface(version=version, contents=[prop("string", name="n" * longest)])) == []
    assert rules(interface(version=version, contents=[prop("string", name="n" * (longest + 1))])) == ["stringTooLong"]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    "kind",
    [
        *("ComplexSchema", "Content", "Entity", "NamedEntity", "NumericSchema", "PrimitiveSchema", "Schema"),
        *("SchemaField", "SemanticType", "SemanticUnit", "TemporalSchema"),
    ],
)
def test_a_class_that_only_others_derive_from_is_no_type_of_a_content(kind: str, version: int):
    assert rules(interface(version=version, contents=[{"@type": kind, "name": "a"}])) == ["typeIrrelevantDtmiOrTerm"]


def test_names_differ_by_case():
    assert rules(interface(contents=[prop("string", name="a"), prop("string", name="A")])) == []


def test_a_name_is_used_once():
    component = {"@type": "Component", "name": "reading", "schema": "dtmi:example:Sensor;1"}

    assert rules(interface(contents=[prop("string"), component]), interface("Sensor")) == ["nonUniquePropertyValue"]


def test_a_name_is_used_once_even_under_explicit_ids():
    contents = [prop("string", **{"@id": f"dtmi:example:r{number};1"}) for number in (1, 2)]

    assert rules(interface(contents=contents)) == ["nonUniquePropertyValue"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ({"@type": "Property", "schema": "string"}, "missingDtmiSegPropertyValue"),
        ({"@type": "Property", "name": "a"}, "missingObjectProperty"),
        ({"@type": "Component", "name": "a"}, "missingObjectProperty"),
        ({"name": "a", "schema": "string"}, "badType"),
        ({"@type": "Field", "name": "a", "schema": "string"}, "badType"),
        ({"@type": ["Property", "Telemetry"], "name": "a", "schema": "string"}, "multipleMaterialTypes"),
        ({"@type": "Property", "name": "a", "schema": "int"}, "badDtmiOrTerm"),
        ({"@type": "Property", "name": "a", "schema": "String"}, "undefinedReservedId"),
        ({"@type": "Property", "name": "a", "schema": ["string", "double"]}, "objectMultipleValues"),
        ({"@type": "Property", "name": "a", "schema": 5}, "refNotStringOrObject"),
        ({"@type": "Property", "name": "a", "schema": "degreeCelsius"}, "badType"),
        ({"@type": "Property", "name": "a", "schema": "string", "writable": "true"}, "booleanNotBoolean"),
        ({"@type": "Telemetry", "name": "a", "schema": "string", "writable": True}, "noTypeThatAllows"),
        ({"@type": "Relationship", "name": "a", "minMultiplicity": 1}, "valueNotExact"),
        ({"@type": "Relationship", "name": "a", "maxMultiplicity": 0}, "valueBelowMin"),
        ({"@type": "Relationship", "name": "a", "maxMultiplicity": 1.5}, "integerNotInteger"),
        ({"@type": "Relationship", "name": "a", "target": ["dtmi:a;1", "dtmi:b;1"]}, "identifierMultipleValues"),
        ({"@type": "Relationship", "name": "a", "target": {"@id": "dtmi:a;1"}}, "identifierNotString"),
        ({"@type": "Relationship", "name": "a", "target": "room"}, "identifierNotDtmi"),
        ({"@type": "Relationship", "name": "a", "properties": [{"name": "b", "schema": "string"}]}, "badType"),
        ({"@type": "Component", "name": "a", "schema": {"@type": "Object"}}, "missingRequiredId"),
        ({"@type": "Component", "name": "a", "schema": "string"}, "badType"),
        ({"@type": "Command", "name": "a", "commandType": "sometimes"}, "badDtmiOrTerm"),
    ],
)
def test_wrong_contents_are_refused(content: Any, rule: str):
    assert rule in rules(interface(contents=[content]))


def test_the_highest_multiplicity_is_that_of_the_version():
    def relationship(maximum: int) -> dict[str, Any]:
        return {"@type": "Relationship", "name": "contains", "maxMultiplicity": maximum}

    assert rules(interface(version=2, contents=[relationship(500)])) == []
    assert rules(interface(version=2, contents=[relationship(501)])) == ["valueAboveMax"]
    assert rules(interface(version=3, contents=[relationship(501)])) == []


def test_dtdl_2_allows_300_contents_and_300_relationship_properties():
    def contents(count: int) -> list[dict[str, Any]]:
        return [prop("string", name=f"n{number}") for number in range(count)]

    def relationship(count: int) -> dict[str, Any]:
        return {"@type": "Relationship", "name": "r", "properties": contents(count)}

    assert rules(interface(contents=contents(300))) == []
    assert rules(interface(contents=contents(301))) == ["objectCountAboveMax"]
    assert rules(interface(version=3, contents=contents(301))) == []
    assert rules(interface(contents=[relationship(300)])) == []
    assert rules(interface(contents=[relationship(301)])) == ["objectCountAboveMax"]


def test_relationship_properties_have_distinct_names():
    relationship = {"@type": "Relationship", "name": "r", "properties": [prop("string"), prop("double")]}

    assert rules(interface(contents=[relationship])) == ["nonUniquePropertyValue"]


def test_dtdl_3_allows_100_000_elements_in_all():
    fields = [{"name": f"f{number}", "schema": "string"} for number in range(4200)]
    contents = [prop({"@type": "Object", "fields": fields}, name=f"p{number}") for number in range(3)]
    models = [
        interface(f"Part{part}", 3, contents=[prop({"@type": "Object", "fields": fields}, name=f"q{part}")] * 1)
        for part in range(9)
    ]
    parents = [model["@id"] for model in models]

    assert rules(interface(version=3, contents=contents, extends=parents), *models) == ["excessiveCount"]
    assert rules(interface(version=3, contents=contents, extends=parents[:8]), *models) == []
