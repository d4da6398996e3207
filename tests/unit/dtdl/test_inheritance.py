"""`extends`, components, and references between models."""

from typing import Any

import pytest

from .models import interface, prop, rules

VERSIONS = pytest.mark.parametrize("version", [2, 3])


def component(schema: str = "dtmi:example:Sensor;1", name: str = "sensor") -> dict[str, Any]:
    return {"@type": "Component", "name": name, "schema": schema}


@VERSIONS
def test_a_chain_of_ten_extends(version: int):
    def chain(length: int) -> list[dict[str, Any]]:
        first, *rest = [interface(f"A{step}", version) for step in range(length)]
        return [first, *({**model, "extends": f"dtmi:example:A{step};1"} for step, model in enumerate(rest))]

    assert rules(*chain(11)) == []
    assert rules(*reversed(chain(11))) == []
    assert rules(*chain(12)) == ["excessiveDepthNarrow"]


def test_the_chain_counts_stored_ancestors():
    chain = [interface(f"A{step}", extends=f"dtmi:example:A{step - 1};1") for step in range(1, 12)]
    stored = {model["@id"]: model for model in (interface("A0"), *chain[:-1])}

    assert rules(chain[-1], stored=stored) == ["excessiveDepthNarrow"]


@VERSIONS
@pytest.mark.parametrize("length", [1, 2, 5])
def test_cycles_are_refused(version: int, length: int):
    ring = [interface(f"A{step}", version, extends=f"dtmi:example:A{(step + 1) % length};1") for step in range(length)]

    assert rules(*ring) == ["recursiveStructureNarrow"] * length


def test_dtdl_2_allows_two_parents():
    parents = [interface(name) for name in "BCD"]
    ids = [parent["@id"] for parent in parents]

    assert rules(interface("A", extends=ids[:2]), *parents) == []
    assert rules(interface("A", extends=[ids[0]] * 3), *parents) == []
    assert rules(interface("A", extends=ids), *parents) == ["objectCountAboveMax"]
    assert rules(interface("A", 3, extends=ids), *parents) == []


def test_dtdl_3_allows_1024_ancestors():
    parents = [interface(f"P{number}", 3) for number in range(1025)]
    ids = [parent["@id"] for parent in parents]

    assert rules(interface("A", 3, extends=ids[:1024]), *parents) == []
    assert rules(interface("A", 3, extends=ids), *parents) == ["excessiveCount"]


@VERSIONS
def test_an_inherited_name_may_not_be_redefined_even_identically(version: int):
    base = interface("Base", version, contents=[prop("string")])
    heir = interface("Heir", version, extends=base["@id"], contents=[prop("string")])

    assert rules(base, heir) == ["nonUniqueImportedPropertyValue"]
    assert rules(heir, stored={base["@id"]: base}) == ["nonUniqueImportedPropertyValue"]


@VERSIONS
def test_two_parents_may_not_bring_the_same_name(version: int):
    parents = [interface(name, version, contents=[prop("string")]) for name in "BC"]
    heir = interface("A", version, extends=[parent["@id"] for parent in parents])

    assert rules(heir, *parents) == ["nonUniqueImportedPropertyValue"]


@VERSIONS
def test_a_common_ancestor_is_inherited_once(version: int):
    top = interface("Top", version, contents=[prop("string")])
    sides = [interface(name, version, extends=top["@id"]) for name in "BC"]
    heir = interface("A", version, extends=[side["@id"] for side in sides])

    assert rules(heir, *sides, top) == []


def test_the_limit_on_contents_counts_inherited_ones():
    base = interface("Base", contents=[prop("string", name=f"n{number}") for number in range(300)])

    assert rules(base, interface("Heir", extends=base["@id"])) == []
    assert rules(base, interface("Heir", extends=base["@id"], contents=[prop("string")])) == ["objectCountAboveMax"]


def test_newer_models_may_build_on_older_and_not_the_reverse():
    older, newer = interface("Sensor", 2), interface("Sensor", 3)

    assert rules(older, interface("A", 3, extends=older["@id"])) == []
    assert rules(older, interface("A", 3, contents=[component()])) == []
    assert rules(newer, interface("A", 2, extends=newer["@id"])) == ["disallowedVersionReference"]
    assert rules(newer, interface("A", 2, contents=[component()])) == ["disallowedVersionReference"]
    assert rules(interface("A", 2, extends=newer["@id"]), stored={newer["@id"]: newer}) == [
        "disallowedVersionReference"
    ]


def test_relationships_between_versions_are_free():
    relationship = {"@type": "Relationship", "name": "r", "target": "dtmi:example:Sensor;1"}

    assert rules(interface("Sensor", 3), interface("A", 2, contents=[relationship])) == []


@VERSIONS
def test_a_component_may_not_have_components(version: int):
    leaf = interface("Leaf", version)
    sensor = interface("Sensor", version, contents=[component("dtmi:example:Leaf;1", "leaf")])
    heir = interface("Heir", version, extends=sensor["@id"])

    assert rules(interface("A", version, contents=[component()]), sensor, leaf) == ["excludedType"]
    assert rules(interface("A", version, contents=[component(heir["@id"])]), heir, sensor, leaf) == ["excludedType"]
    assert rules(interface("Sensor", version, contents=[component()])) == ["excludedType"]


@VERSIONS
def test_a_model_may_extend_an_interface_and_have_it_as_components_too(version: int):
    contents = [component(name="first"), component(name="second")]

    assert (
        rules(interface("Sensor", version), interface("A", version, extends="dtmi:example:Sensor;1", contents=contents))
        == []
    )


def test_extends_leads_to_interfaces():
    schemas = {"@id": "dtmi:example:s;1", "@type": "Array", "elementSchema": "double"}

    assert rules(interface(schemas=schemas, extends="dtmi:example:s;1")) == ["badType"]
    assert "badType" in rules(interface(extends="double"))
