"""Whatever JSON a caller sends as models, the answer is a DtdlError that says something."""

import random
from typing import Any

import pytest

from localtwins.dtdl import DtdlError, parse

from .models import interface, rules

DEPTH = 10_000


def is_refused(*models: Any):
    with pytest.raises(DtdlError) as caught:
        parse(models)
    return all(problem.rule and problem.message for problem in caught.value.problems)


def deep_list():
    value: object = "x"
    for _ in range(DEPTH):
        value = [value]
    return value


def deep_schema():
    value: object = "double"
    for _ in range(DEPTH):
        value = {"@type": "Array", "elementSchema": value}
    return value


@pytest.mark.parametrize(
    "term", ["comment", "displayName", "contents", "extends", "schemas", "@type", "@context", "colour"]
)
@pytest.mark.parametrize("value", [deep_list(), deep_schema()], ids=["list", "schema"])
def test_deep_nesting(term: str, value: Any):
    assert is_refused(interface() | {term: value})


def test_a_deep_model():
    assert is_refused(deep_list())
    assert is_refused(interface(contents=[{"@type": "Telemetry", "name": "deep", "schema": deep_schema()}]))


@pytest.mark.parametrize("length", [1_000, 20_000])
def test_long_chains_of_models(length: int):
    chain = [interface(f"A{step}", 3, extends=f"dtmi:example:A{step + 1};1") for step in range(length)]

    assert is_refused(*chain, interface(f"A{length}", 3))
    assert is_refused(*chain)


def test_long_chains_of_schemas():
    schemas = [
        {"@id": f"dtmi:example:s{step};1", "@type": "Array", "elementSchema": f"dtmi:example:s{step + 1};1"}
        for step in range(5_000)
    ]
    last = {"@id": "dtmi:example:s5000;1", "@type": "Array", "elementSchema": "double"}

    assert is_refused(interface(version=3, schemas=[*schemas, last]))
    assert is_refused(interface(version=3, schemas=[*schemas, {**last, "elementSchema": "dtmi:example:s0;1"}]))


def test_schemas_that_branch_at_every_level_take_no_exponential_time():
    def fields(step: int) -> list[dict[str, Any]]:
        return [{"name": f"f{number}", "schema": f"dtmi:example:s{step + 1};1"} for number in range(1_000)]

    schemas = [{"@id": f"dtmi:example:s{step};1", "@type": "Object", "fields": fields(step)} for step in range(6)]
    last = {"@id": "dtmi:example:s6;1", "@type": "Object"}

    assert is_refused(interface(version=3, schemas=[*schemas, last]))


def test_long_lists_of_wrong_things():
    assert is_refused(*[None] * 10_000)
    assert is_refused(interface(contents=[5] * 10_000))
    assert is_refused(interface(extends=["dtmi:example:Gone;1"] * 10_000))


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    "x",
    "\ud800",
    "dtmi:example:Room;1",
    "string",
    [],
    {},
    [[]],
    [{}],
    {"": 1},
]
KEYS = ["@context", "@id", "@type", "@value", "@graph", "", "name", "schema", "contents", "extends", "schemas", "unit"]
KEYS += [
    "fields",
    "enumValues",
    "enumValue",
    "valueSchema",
    "mapKey",
    "mapValue",
    "properties",
    "target",
    "displayName",
]


def anything(chance: random.Random, depth: int = 0):
    if depth > 5 or chance.random() < 0.3:
        return chance.choice(VALUES)
    if chance.random() < 0.3:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    found = {chance.choice(KEYS): anything(chance, depth + 1) for _ in range(chance.randrange(6))}
    if chance.random() < 0.7:
        found["@type"] = chance.choice(["Property", "Object", "Map", "Enum", "Array", "Relationship", "Component"])
    if chance.random() < 0.7:
        found["name"] = chance.choice("abc")
    return found


def test_random_json_is_refused_or_accepted_and_never_anything_else():
    chance = random.Random(5)
    for _ in range(3_000):
        version = chance.choice([2, 3])
        model = interface(version=version) | {
            chance.choice(KEYS): anything(chance),
            chance.choice(KEYS): anything(chance),
        }
        found = rules(model, interface("Other", version, contents=[anything(chance)]))
        assert all(isinstance(rule, str) for rule in found)
