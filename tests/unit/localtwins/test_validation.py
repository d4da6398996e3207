"""Twins and relationships against their models, without a service."""

from typing import Any

import pytest

from localtwins.dtdl import load
from localtwins.engine.validation import ValueLimits, relationship_problems, twin_problems

PART = load(
    {
        "@id": "dtmi:t:Part;1",
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;2",
        "contents": [{"@type": "Property", "name": "size", "schema": "integer"}],
    }
)
WHOLE = load(
    {
        "@id": "dtmi:t:Whole;1",
        "@type": "Interface",
        "@context": "dtmi:dtdl:context;2",
        "contents": [
            {"@type": "Property", "name": "title", "schema": "string"},
            {"@type": "Telemetry", "name": "beat", "schema": "double"},
            {"@type": "Component", "name": "part", "schema": "dtmi:t:Part;1"},
            {
                "@type": "Relationship",
                "name": "has",
                "properties": [{"@type": "Property", "name": "since", "schema": "date"}],
            },
        ],
    }
)
LIMITS = ValueLimits(string_bytes=8, name_bytes=8)
COMPONENT: dict[str, Any] = {"$metadata": {}}


@pytest.mark.parametrize(
    ("members", "problems"),
    [
        ({"part": COMPONENT}, []),
        ({"part": {"size": 1, **COMPONENT}, "title": "12345678"}, []),
        ({}, ["Twin is missing component part."]),
        ({"part": {}}, ["Twin is missing $metadata of component part."]),
        ({"part": COMPONENT, "beat": 1}, ["beat is not a property - it is a Telemetry."]),
        ({"part": COMPONENT, "has": 1}, ["has is not a property - it is a Relationship."]),
        ({"part": COMPONENT, "x": 1, "y": 2}, [f"{name} does not appear on the DTDL for Twin." for name in "xy"]),
        ({"part": {"size": "1", **COMPONENT}}, ["Expected value of type integer for size on part."]),
        ({"part": COMPONENT, "title": "123456789"}, ["The string value of title on Twin is longer than 8 bytes."]),
        ({"part": COMPONENT, "title": "ééééé"}, ["The string value of title on Twin is longer than 8 bytes."]),
        ({"part": COMPONENT, "title": "éééé"}, []),
    ],
)
def test_twins(members: dict[str, Any], problems: list[str]):
    twin = {"$dtId": "t", "$etag": "e", **members, "$metadata": {"$model": WHOLE.id}}
    assert twin_problems(twin, WHOLE, {PART.id: PART}.__getitem__, LIMITS) == problems


@pytest.mark.parametrize(
    ("members", "problems"),
    [
        ({}, []),
        ({"since": "2024-01-01"}, ["The string value of since on has is longer than 8 bytes."]),
        ({"since": "x"}, ["Expected value of type date for since on has."]),
        ({"until": 1}, ["until does not appear on the DTDL for has."]),
    ],
)
def test_relationships(members: dict[str, Any], problems: list[str]):
    relationship = {"$relationshipId": "r", "$targetId": "x", **members}
    assert relationship_problems(relationship, WHOLE.relationships["has"].properties, "has", LIMITS) == problems
