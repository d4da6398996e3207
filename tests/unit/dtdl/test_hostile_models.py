"""Whatever JSON a caller sends as models, the answer is a DtdlError that says something."""

import random
import time
import tracemalloc
from typing import Any

import pytest

from localtwins.dtdl import ArraySchema, DtdlError, MapSchema, ObjectSchema, parse

from .models import interface, prop, rules

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
def test_deep_nesting_is_refused(term: str, value: Any):
    assert is_refused(interface() | {term: value})


def test_a_deep_model_is_refused():
    assert is_refused(deep_list())
    assert is_refused(interface(contents=[{"@type": "Telemetry", "name": "deep", "schema": deep_schema()}]))


@pytest.mark.parametrize("length", [1_000, 20_000])
def test_long_chains_of_models_are_refused(length: int):
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


def accepted_within(seconds: float, *models: Any):
    began = time.process_time()
    interfaces = parse(models)
    assert time.process_time() - began < seconds
    return interfaces


def test_schemas_that_all_refer_to_the_next_are_built_once_each():
    def schema(level: int) -> dict[str, Any]:
        below = f"dtmi:example:s{level + 1};1" if level < 4 else "string"
        fields = [{"name": f"f{number}", "schema": below} for number in range(30)]
        return {"@id": f"dtmi:example:s{level};1", "@type": "Object", "fields": fields}

    contents = [prop("dtmi:example:s0;1", name=f"p{number}") for number in range(300)]
    (found,) = accepted_within(2, interface(contents=contents, schemas=[schema(level) for level in range(5)]))

    schemas = [found.properties[f"p{number}"].schema for number in range(300)]
    assert all(schema is schemas[0] for schema in schemas)
    assert isinstance(schemas[0], ObjectSchema)
    assert len({id(field) for field in schemas[0].fields.values()}) == 1


def test_fields_that_all_refer_to_the_next_ones_are_built_once_each():
    def field(level: int, number: int) -> dict[str, Any]:
        below = [f"dtmi:example:f{level + 1}x{other};1" for other in range(30)]
        schema = {"@type": "Object", "fields": below} if level < 3 else "string"
        return {"@id": f"dtmi:example:f{level}x{number};1", "@type": "Field", "name": f"f{number}", "schema": schema}

    schemas = [
        {"@id": f"dtmi:example:s{level};1", "@type": "Object", "fields": [field(level, n) for n in range(30)]}
        for level in range(4)
    ]
    accepted_within(2, interface(contents=[prop("dtmi:example:s0;1")], schemas=schemas))


def test_maps_and_arrays_of_one_schema_build_it_once():
    schemas = [
        {"@id": "dtmi:example:s;1", "@type": "Object", "fields": [{"name": "f", "schema": "string"}]},
        {"@id": "dtmi:example:a;1", "@type": "Array", "elementSchema": "dtmi:example:s;1"},
        {
            "@id": "dtmi:example:m;1",
            "@type": "Map",
            "mapKey": {"name": "k", "schema": "string"},
            "mapValue": {"name": "v", "schema": "dtmi:example:s;1"},
        },
    ]
    contents = [prop(f"dtmi:example:{name};1", name=name) for name in "sam"]
    (found,) = parse([interface(version=3, contents=contents, schemas=schemas)])
    whole, array, mapping = (found.properties[name].schema for name in "sam")

    assert isinstance(array, ArraySchema)
    assert isinstance(mapping, MapSchema)
    assert array.element is whole
    assert mapping.value is whole


def contents(count: int, prefix: str = "p"):
    return [{"@type": "Property", "name": f"{prefix}{number}", "schema": "string"} for number in range(count)]


def test_many_heirs_of_a_large_model_share_what_they_inherit():
    base = interface("Base", 3, contents=contents(15_000))
    heirs = [interface(f"Heir{number}", 3, extends=base["@id"]) for number in range(249)]

    found = accepted_within(10, base, *heirs)

    assert len(found[-1].properties) == 15_000
    assert found[-1].properties["p14999"] is found[0].properties["p14999"]
    assert found[-1].properties == found[0].properties


def test_heirs_of_models_with_many_names_in_common():
    bases = [interface(f"Base{number}", 3, contents=contents(8_000, f"n{number % 2}x")) for number in range(4)]
    heirs = [
        interface(f"Heir{number}", 3, extends=[bases[first]["@id"], bases[first + 1]["@id"]])
        for number, first in enumerate([0, 2] * 100)
    ]

    accepted_within(10, *bases, *heirs)


ANNOTATED = {"@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:annotation;1"]}


def annotation(number: int, annotates: str):
    return {
        "@type": ["Property", "ValueAnnotation"],
        "name": f"a{number}",
        "schema": "string",
        "annotates": annotates,
    }


def test_annotations_of_a_model_are_not_checked_anew_for_each_heir():
    own = [annotation(number, f"p{number}") for number in range(6_000)]
    base = interface("Base", 3, contents=[*own, *contents(6_000)]) | ANNOTATED
    heirs = [interface(f"Heir{number}", 3, extends=base["@id"]) for number in range(249)]

    accepted_within(3, base, *heirs)


def test_what_an_heir_brings_is_not_held_against_every_annotation_alike():
    base = interface("Base", 3, contents=[annotation(number, "x") for number in range(8_000)]) | ANNOTATED
    own = [prop("string", name="x")]
    heirs = [interface(f"Heir{number}", 3, extends=base["@id"], contents=own) for number in range(249)]

    accepted_within(3, base, *heirs)


def test_a_lattice_of_extends_takes_no_exponential_time():
    lattice = [
        interface(
            f"L{level}x{number}",
            extends=[f"dtmi:example:L{level - 1}x{(number + step) % 25};1" for step in (0, 1)] if level else [],
            contents=contents(3, f"n{level}x{number}x"),
        )
        for level in range(10)
        for number in range(25)
    ]

    found = accepted_within(5, *lattice)

    assert len(found[-1].bases) == 55
    assert len(found[-1].properties) == 3 * 55


def test_of_each_document_twenty_problems_are_told_and_the_others_counted():
    with pytest.raises(DtdlError) as caught:
        parse([interface(contents=[5] * 100_000), interface("B"), interface("C", colour=1, **{"@id": "dtmi:c;0"})])

    problems = caught.value.problems
    assert [problem.document for problem in problems] == [0] * 20 + [2]
    assert str(caught.value).endswith("There are more problems: at least 99980.")


def test_names_that_clash_by_the_thousand_are_told_of_no_more_than_twenty():
    bases = [interface(f"Base{number}", 3, contents=contents(10_000)) for number in range(2)]
    heirs = [interface(f"Heir{number}", 3, extends=[base["@id"] for base in bases]) for number in range(100)]

    with pytest.raises(DtdlError) as caught:
        parse([*bases, *heirs])

    assert len(caught.value.problems) == 20 * 100


def test_work_ends_where_its_checkpoint_says():
    calls = 0

    def checkpoint() -> None:
        nonlocal calls
        calls += 1
        if calls == 1_000:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        parse([interface(version=3, contents=contents(10_000))], checkpoint=checkpoint)


def fields(count: int):
    return [{"name": f"f{number}", "schema": "double"} for number in range(count)]


def nested_in_long_names(levels: int, length: int, count: int):
    schema: Any = {"@type": "Object", "fields": fields(count)}
    for _ in range(levels):
        schema = {"@type": "Object", "fields": [{"name": "n" * length, "schema": schema}]}
    return schema


@pytest.mark.parametrize(
    ("levels", "length", "problem"),
    [(1, 400_000, "stringTooLong"), (18, 512, "excessiveDepthWide"), (4, 512, None)],
    ids=["endless", "too many", "long and many"],
)
def test_what_lies_below_long_names_takes_no_memory_for_each_of_them(levels: int, length: int, problem: str | None):
    model = interface(version=3, contents=[prop(nested_in_long_names(levels, length, 10_000))])

    tracemalloc.start()
    try:
        assert (problem is None and rules(model) == []) or problem in rules(model)
        assert tracemalloc.get_traced_memory()[1] < 40e6
    finally:
        tracemalloc.stop()


def test_elements_below_long_names_are_told_apart_by_all_of_the_name():
    def named(middle: str) -> dict[str, Any]:
        return {"name": f"{'n' * 240}{middle}{'n' * 240}", "schema": {"@type": "Object", "fields": fields(2)}}

    model = interface(version=3, contents=[prop({"@type": "Object", "fields": [named("a"), named("b")]})])
    twice = interface(version=3, contents=[prop({"@type": "Object", "fields": [named("a"), named("a")]})])

    assert rules(model) == []
    assert rules(twice) == ["nonUniquePropertyValue"]


def test_long_lists_of_wrong_things_are_refused():
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
