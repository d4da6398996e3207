"""Twins and relationships against their models, without a service."""

import time
from typing import Any

import pytest

from localtwins.dtdl import load, parse
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
        ({"part": COMPONENT, "title": "🙂🙂"}, []),
        ({"part": COMPONENT, "title": "🙂🙂1"}, ["The string value of title on Twin is longer than 8 bytes."]),
        ({"part": COMPONENT, "title": 5}, ["Expected value of type string for title on Twin."]),
        ({"part": COMPONENT, "title": "éééé"}, []),
    ],
)
def test_problems_of_twins_are_told(members: dict[str, Any], problems: list[str]):
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
def test_problems_of_relationships_are_told(members: dict[str, Any], problems: list[str]):
    relationship = {"$relationshipId": "r", "$targetId": "x", **members}
    assert relationship_problems(relationship, WHOLE.relationships["has"].properties, "has", LIMITS) == problems


def test_names_that_none_of_a_thousand_ancestors_has_are_found_missing_at_once():
    def ancestor(number: int) -> dict[str, Any]:
        contents = [
            {"@type": "Property", "name": f"p{number}", "schema": "double"},
            {"@type": "Telemetry", "name": f"t{number}", "schema": "double"},
            {"@type": "Relationship", "name": f"r{number}"},
            {"@type": "Component", "name": f"c{number}", "schema": PART.id},
        ]
        return model(f"dtmi:t:Above{number};1", contents=contents)

    def model(dtmi: str, **members: Any) -> dict[str, Any]:
        return {"@id": dtmi, "@type": "Interface", "@context": "dtmi:dtdl:context;3", **members}

    above = [ancestor(number) for number in range(1_000)]
    *_, heir = parse([model(PART.id), *above, model("dtmi:t:Heir;1", extends=[each["@id"] for each in above])])
    components = {f"c{number}": COMPONENT for number in range(1_000)}
    unknown = {f"x{number}": 1 for number in range(20_000)}
    known = {"p0": 1, "p999": "x", "t500": 1, "r500": 1}

    began = time.process_time()
    problems = twin_problems({**components, **known, **unknown}, heir, {PART.id: PART}.__getitem__, LIMITS)

    assert time.process_time() - began < 0.5
    assert problems[:3] == [
        "Expected value of type double for p999 on Twin.",
        "t500 is not a property - it is a Telemetry.",
        "r500 is not a property - it is a Relationship.",
    ]
    assert len(problems) == 3 + 20_000
