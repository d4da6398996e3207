"""Semantic types and units, and the extensions that build on them."""

import json
from pathlib import Path
from typing import Any

import pytest

from localtwins.dtdl.semantic_types import SEMANTIC_TYPES, UNITS

from .models import interface, prop, rules

QUANTITATIVE = ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"]
ANNOTATED = [*QUANTITATIVE, "dtmi:dtdl:extension:annotation;1", "dtmi:dtdl:extension:overriding;1"]


def quantity(co_type: str = "Temperature", unit: Any = "degreeCelsius", schema: Any = "double", **members: Any):
    return {"@type": ["Property", co_type], "name": "quantity", "schema": schema, "unit": unit, **members}


@pytest.mark.parametrize("schema", ["double", "float", "integer", "long"])
def test_a_quantity_is_a_number(schema: Any):
    assert rules(interface(contents=[quantity(schema=schema)])) == []


@pytest.mark.parametrize(
    "schema", ["string", "boolean", {"@type": "Object", "fields": [{"name": "a", "schema": "double"}]}]
)
def test_a_quantity_is_nothing_else(schema: Any):
    assert rules(interface(contents=[quantity(schema=schema)])) == ["notRequiredType"]


@pytest.mark.parametrize(
    ("co_type", "unit"),
    [("Humidity", "gramPerCubicMetre"), ("Latitude", "radian"), ("RelativeHumidity", "percent"), ("Thrust", "newton")],
)
def test_units_go_by_the_types_unit_type(co_type: str, unit: Any):
    assert rules(interface(contents=[quantity(co_type, unit)])) == []


def test_a_unit_must_fit():
    assert rules(interface(contents=[quantity(unit="metre")])) == ["notRequiredType"]
    assert rules(interface(version=3, contents=[quantity(unit="metre")]) | {"@context": QUANTITATIVE}) == [
        "wrongParent"
    ]


@pytest.mark.parametrize("unit", ["furlong", 5, None, "Temperature", ["kelvin", "kelvin"]])
def test_a_unit_is_one_known_term(unit: Any):
    assert rules(interface(contents=[quantity(unit=unit)])) != []


def test_a_unit_may_be_given_by_its_dtmi():
    assert rules(interface(contents=[quantity(unit="dtmi:standard:unit:kelvin;2")])) == []


@pytest.mark.parametrize(
    ("kind", "members", "broken"),
    [
        ("DecimalUnit", {"baseUnit": "metre", "prefix": "kilo"}, []),
        ("DecimalUnit", {"prefix": "kilo"}, ["missingSupplementalObjectProperty"]),
        ("BinaryUnit", {"baseUnit": "byte", "prefix": "kibi"}, []),
        ("BinaryUnit", {}, ["missingSupplementalObjectProperty"]),
        ("RatioUnit", {"topUnit": "metre", "bottomUnit": "second"}, []),
        ("RatioUnit", {"topUnit": "metre"}, ["missingSupplementalObjectProperty"]),
        ("RatioUnit", {"bottomUnit": "second"}, ["missingSupplementalObjectProperty"]),
        ("SymbolicUnit", {"symbol": "x"}, []),
        ("SymbolicUnit", {}, ["missingSupplementalLiteralProperty"]),
        ("UnitPrefix", {"symbol": "x", "exponent": 3}, []),
        ("UnitPrefix", {"symbol": "x"}, ["missingSupplementalLiteralProperty"]),
        ("UnitPrefix", {"exponent": 3}, ["missingSupplementalLiteralProperty"]),
    ],
)
def test_a_unit_of_ones_own_has_what_it_is_made_of(kind: str, members: dict[str, Any], broken: list[str]):
    choice = {"name": "own", "@type": ["EnumValue", kind], "enumValue": "own", **members}
    schema = {"@type": "Enum", "valueSchema": "string", "enumValues": [choice]}
    assert rules(interface(version=3, contents=[prop(schema)]) | {"@context": QUANTITATIVE}) == broken


def temperature_of(kind: str) -> dict[str, Any]:
    """Makes a content in which an element of a kind is a temperature."""
    quantity: dict[str, Any] = {"@type": [kind, "Temperature"], "schema": "double", "unit": "degreeCelsius"}
    match kind:
        case "Field":
            return prop({"@type": "Object", "fields": [{**quantity, "name": "inside"}]})
        case "MapValue":
            key = {"@type": "MapKey", "name": "room", "schema": "string"}
            return prop({"@type": "Map", "mapKey": key, "mapValue": {**quantity, "name": "inside"}})
        case "CommandRequest":
            return {"@type": "Command", "name": "heat", "request": {**quantity, "name": "wanted"}}
        case "CommandResponse":
            return {"@type": "Command", "name": "heat", "response": {**quantity, "name": "reached"}}
    return {**quantity, "name": "quantity"}


@pytest.mark.parametrize(
    ("kind", "versions"),
    [
        ("Property", [2, 3]),
        ("Telemetry", [2, 3]),
        ("Field", [3]),
        ("MapValue", [3]),
        ("CommandRequest", [3]),
        ("CommandResponse", [3]),
    ],
)
@pytest.mark.parametrize("version", [2, 3])
def test_what_may_be_a_quantity_depends_on_the_version(kind: str, versions: list[int], version: int):
    model = interface(version=version, contents=[temperature_of(kind)])
    if version == 3:
        model["@context"] = QUANTITATIVE
    assert (rules(model) == []) is (version in versions)


def test_a_semantic_type_needs_a_unit():
    content = {"@type": ["Property", "Temperature"], "name": "quantity", "schema": "double"}

    assert rules(interface(contents=[content])) == ["missingSupplementalObjectProperty"]


def test_a_unit_needs_a_semantic_type():
    assert rules(interface(contents=[prop("double", unit="degreeCelsius")])) == ["noTypeThatAllows"]


def test_an_element_has_one_semantic_type_at_most():
    content = quantity() | {"@type": ["Property", "Temperature", "Voltage"]}

    assert "conflictingSupplementalTypes" in rules(interface(contents=[content]))


def test_dtdl_2_has_semantic_types_on_properties_and_telemetry_only():
    field = {"@type": ["Field", "Temperature"], "name": "field", "schema": "double", "unit": "kelvin"}
    schema = {"@type": "Object", "fields": [field]}

    assert rules(interface(contents=[prop(schema)])) == ["invalidCotype"]
    assert rules(interface(version=3, contents=[prop(schema)]) | {"@context": QUANTITATIVE}) == []


def test_dtdl_3_has_semantic_types_through_the_extension_only():
    model = interface(version=3, contents=[quantity()])

    assert "typeUndefinedTerm" in rules(model)
    assert rules(model | {"@context": QUANTITATIVE}) == []


def test_units_that_dtdl_3_added_are_none_in_dtdl_2():
    current = quantity("Current", "kiloampere")

    assert rules(interface(version=3, contents=[current]) | {"@context": QUANTITATIVE}) == []
    assert rules(interface(contents=[current])) != []
    assert rules(interface(contents=[current]) | {"@context": ["dtmi:dtdl:context;2", QUANTITATIVE[1]]}) != []


def annotation(annotates: str = "quantity", name: str = "note", schema: Any = "string", **members: Any):
    return {"@type": ["Property", "ValueAnnotation"], "name": name, "schema": schema, "annotates": annotates, **members}


def override(
    schema: Any = "TemperatureUnit", overrides: str = "unit", name: str = "unitOfQuantity", annotates: str = "quantity"
):
    content = annotation(annotates, name, schema, overrides=overrides)
    return content | {"@type": ["Property", "ValueAnnotation", "Override"]}


@pytest.mark.parametrize(
    "contents",
    [
        [quantity(), annotation()],
        [quantity(), annotation("missing")],
        [quantity(), annotation(), annotation(name="other")],
        [quantity(), override()],
        [quantity(), override(overrides="dtmi:dtdl:extension:quantitativeTypes:v1:property:unit")],
    ],
)
def test_semantic_types_that_fit_are_accepted(contents: Any):
    assert rules(interface(version=3, contents=contents) | {"@context": ANNOTATED}) == []


@pytest.mark.parametrize(
    ("contents", "rule"),
    [
        ([quantity(), annotation(name="a"), annotation("a")], "disallowedType"),
        ([{"@type": "Relationship", "name": "r"}, annotation("r")], "notSiblingRequiredType"),
        (
            [quantity(), {k: v for k, v in annotation().items() if k != "annotates"}],
            "missingSupplementalLiteralProperty",
        ),
        ([quantity(), override(), override(name="again")], "multipleReference"),
        ([quantity(), override("VoltageUnit")], "siblingPropertyMismatch"),
        ([quantity(), override("string")], "siblingPropertyMismatch"),
        ([quantity(), override(overrides="schema")], "noMatchingSupplementalProperty"),
        ([quantity(), {**override(), "@type": ["Property", "Override"]}], "missingCocotype"),
    ],
)
def test_semantic_types_that_do_not_fit_are_refused(contents: Any, rule: str):
    assert rule in rules(interface(version=3, contents=contents) | {"@context": ANNOTATED})


def test_inherited_annotations_meet_what_the_heir_brings():
    base = interface("Base", 3, contents=[annotation("r")]) | {"@context": ANNOTATED}
    relationship = {"@type": "Relationship", "name": "r"}

    assert rules(base) == []
    assert rules(base, interface("Heir", 3, extends=base["@id"], contents=[relationship])) == ["notSiblingRequiredType"]


def heir(*contents: Any, extends: Any = ("dtmi:example:Base;1",)):
    return interface("Heir", 3, extends=list(extends), contents=list(contents)) | {"@context": ANNOTATED}


def annotated(name: str, *contents: Any):
    return interface(name, 3, contents=list(contents)) | {"@context": ANNOTATED}


def test_an_heir_may_annotate_what_it_inherits():
    base = annotated("Base", quantity(), {"@type": "Relationship", "name": "r"})

    assert rules(base, heir(annotation())) == []
    assert rules(base, heir(annotation("r"))) == ["notSiblingRequiredType"]


def test_two_parents_may_bring_an_annotation_and_what_it_names():
    first, second = annotated("A", annotation("r")), annotated("B", {"@type": "Relationship", "name": "r"})
    both = heir(extends=["dtmi:example:A;1", "dtmi:example:B;1"])

    assert rules(first, second) == []
    assert rules(first, second, both) == ["notSiblingRequiredType"]


def test_a_property_is_overridden_once_by_all_that_is_inherited():
    base = annotated("Base", quantity(), override())
    assert rules(base, heir(override(name="again"))) == ["multipleReference"]

    overriding = annotated("Overriding", override(), override(name="again"))
    assert rules(overriding) == []
    bringing = interface("Heir", 3, extends=overriding["@id"], contents=[quantity()]) | {"@context": ANNOTATED}
    assert rules(overriding, bringing) == ["multipleReference"]

    first, second = annotated("A", override()), annotated("B", override(name="again"), quantity())
    assert rules(first, second, heir(extends=["dtmi:example:A;1", "dtmi:example:B;1"])) == ["multipleReference"]


def test_what_a_parent_brings_together_is_told_there_and_not_of_each_heir():
    base = annotated("Base", {"@type": "Relationship", "name": "r"}, annotation("r"))

    assert rules(base, heir()) == ["notSiblingRequiredType"]


def test_extensions_of_dtdl_3_have_no_use_in_dtdl_2():
    model = interface(contents=[annotation("note")]) | {"@context": ["dtmi:dtdl:context;2", *ANNOTATED[1:]]}

    assert "invalidCotypeVersion" in rules(model)


def test_historized_is_a_co_type_of_properties_and_telemetry():
    context = {"@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:historization;1"]}
    component = {"@type": ["Component", "Historized"], "name": "c", "schema": "dtmi:example:Sensor;1"}

    assert (
        rules(interface(version=3, contents=[prop("string", **{"@type": ["Property", "Historized"]})]) | context) == []
    )
    assert rules(interface(version=3, contents=[component]) | context, interface("Sensor")) == ["invalidCotype"]


@pytest.mark.parametrize("version", [2, 3])
def test_the_tables_hold_what_the_reference_says(shared: Path, version: int):
    reference = json.loads((shared / "reference" / "semantic-types.json").read_text("utf-8"))[str(version)]

    assert SEMANTIC_TYPES[version] == reference["types"]
    assert {unit_type: sorted(units) for unit_type, units in UNITS[version].items()} == {
        unit_type: sorted(units) for unit_type, units in reference["units"].items()
    }
