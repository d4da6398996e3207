"""The tables of classes and limits hold what the reference says."""

import json
from pathlib import Path
from typing import Any

import pytest

from localtwins.dtdl.limits import LIMITS
from localtwins.dtdl.metamodel import FIELDS, Elements, LocalizableText, Text, is_required
from localtwins.dtdl.vocabulary import TERMS

VERSIONS = pytest.mark.parametrize("version", [2, 3])


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference" / "dtdl-metamodel.json").read_text("utf-8"))


@VERSIONS
def test_the_properties_of_every_class_are_those_of_the_reference(reference: dict[str, Any], version: int):
    for kind, fields in FIELDS[version].items():
        if version not in reference["classes"][kind]["versions"]:
            continue
        properties = {
            name: facts for name, facts in reference["classes"][kind]["properties"].items() if str(version) in facts
        }
        assert fields.keys() == properties.keys(), kind
        for name, field in fields.items():
            facts = properties[name][str(version)]
            assert is_required(field) == (facts.get("min_count", 0) > 0), (kind, name)
            if isinstance(field, Elements):
                assert field.plural == properties[name]["plural"], (kind, name)
            if isinstance(field, Text | LocalizableText):
                assert field.max_length == facts["max_length"], (kind, name)


@VERSIONS
def test_the_counts_are_those_of_the_reference(reference: dict[str, Any], version: int):
    limits = LIMITS[version]
    found = {
        ("Interface", "contents"): limits.contents,
        ("Interface", "extends"): limits.parents,
        ("Enum", "enumValues"): limits.enum_values,
        ("Object", "fields"): limits.fields,
        ("Relationship", "properties"): limits.relationship_properties,
    }
    for (kind, name), limit in found.items():
        assert limit == reference["classes"][kind]["properties"][name][str(version)].get("max_count"), (kind, name)


@VERSIONS
def test_the_depths_are_those_of_the_reference(reference: dict[str, Any], version: int):
    rules = [rule for rule in reference["extends_and_depth"] if rule["version"] == version]
    of_extends = next(rule for rule in rules if rule["follow"] == ["extends"])

    assert of_extends["max_depth"] == LIMITS[version].extends_depth
    assert of_extends.get("max_count") == LIMITS[version].ancestors
    assert {rule["max_depth"] for rule in rules if "elementSchema" in rule["follow"] and "max_depth" in rule} == {
        LIMITS[version].schema_depth
    }


@VERSIONS
def test_the_primitive_schemas_are_those_of_the_reference(reference: dict[str, Any], version: int):
    prefix = "dtmi:dtdl:instance:Schema:"

    assert {term for term, dtmi in TERMS[version].items() if dtmi.startswith(prefix)} == set(
        reference["elements"][str(version)]
    )
