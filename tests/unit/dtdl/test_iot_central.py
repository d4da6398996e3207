"""The extension of IoT Central: its context alone is DTDL 2, its types restrict schemas, and it has two of its own."""

from typing import Any

import pytest

from localtwins.dtdl import ObjectSchema, Primitive, parse

from .models import interface, rules

CONTEXT = "dtmi:iotcentral:context;2"


def model(*types: str, schema: Any = "vector", **members: Any):
    content = {"@type": ["Property", *types], "name": "reading", "schema": schema, **members}
    return interface(contents=[content]) | {"@context": CONTEXT}


def test_the_context_of_iot_central_alone_implies_dtdl_2():
    (found,) = parse([model()])
    assert found.dtdl_version == 2


@pytest.mark.parametrize(("schema", "fields"), [("vector", "xyz"), ("geopoint", ["lon", "lat", "alt"])])
@pytest.mark.parametrize("form", ["{}", "dtmi:iotcentral:schema:{};2"])
def test_schemas_of_iot_central_are_objects_of_doubles(schema: str, fields: Any, form: str):
    (found,) = parse([model(schema=form.format(schema))])
    assert found.properties["reading"].schema == ObjectSchema({name: Primitive("double") for name in fields})


@pytest.mark.parametrize(
    ("co_type", "schema", "broken"),
    [
        ("AccelerationVector", "vector", []),
        ("AccelerationVector", "double", ["notRequiredValue"]),
        ("VelocityVector", "geopoint", ["notRequiredValue"]),
        ("Location", "geopoint", []),
        ("Location", "integer", ["notRequiredValue"]),
        ("Event", "string", []),
        ("Event", "boolean", ["notRequiredType"]),
        ("State", {"@type": "Enum", "valueSchema": "string", "enumValues": [{"name": "a", "enumValue": "a"}]}, []),
        ("State", "integer", ["notRequiredType"]),
    ],
)
def test_types_of_iot_central_restrict_the_schema(co_type: str, schema: Any, broken: list[str]):
    assert rules(model(co_type, schema=schema)) == broken


def test_a_vector_may_have_a_unit_of_its_type():
    assert rules(model("AccelerationVector", unit="gForce")) == []
    assert rules(model("AccelerationVector", unit="degreeCelsius")) == ["notRequiredType"]
    assert rules(model("Event", schema="double", unit="gForce")) == ["noTypeThatAllows"]


def test_identifiers_of_iot_central_are_reserved_where_it_is_listed():
    taken = {"@id": "dtmi:iotcentral:Mine;1"}
    assert rules(model() | taken) == ["reservedId"]
    assert rules(interface() | taken) == []
