"""What a cache of digital twins holds, beside what it was told step by step."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinfront import DigitalTwin, Relationship
from twinfront._cached_graph import CachedGraph, Key, Resource
from twinfront._lineage import Lineage
from twinfront._models import Model

IDS = ["a", "b", "c"]
MODELS = ["dtmi:m:A;1", "dtmi:m:B;1"]
VALUES: list[Any] = [1, 1.0, True, "1", None, [1], {"x": 1}, 2]

twins = st.builds(
    lambda one, model, properties, etag: DigitalTwin(id=one, model_id=model, properties=properties, etag=str(etag)),
    st.sampled_from(IDS),
    st.sampled_from(MODELS),
    st.dictionaries(st.just("n"), st.sampled_from(VALUES)),
    st.integers(),
)
relationships = st.builds(
    lambda source, one, target: Relationship(id=one, source_id=source, target_id=target, name="leadsTo"),
    st.sampled_from(IDS),
    st.sampled_from(["r", "s"]),
    st.sampled_from(IDS),
)
resources: st.SearchStrategy[Resource] = st.one_of(twins, relationships)


def key_of(resource: Resource) -> Key:
    return (resource.id, "") if isinstance(resource, DigitalTwin) else (resource.source_id, resource.id)


def held_by(graph: CachedGraph) -> dict[Key, Resource]:
    found: list[Resource] = [*graph.digital_twins("", None)]
    return {key_of(one): one for one in (*found, *(r for one in IDS for r in graph.outgoing(one)))}


@given(st.lists(st.tuples(resources, st.booleans())))
def test_whatever_is_put_in_and_taken_out_everything_is_found_that_is_there_and_nothing_else(
    steps: list[tuple[Resource, bool]],
) -> None:
    graph, expected = CachedGraph(["/n"]), dict[Key, Resource]()
    for resource, stays in steps:
        key = key_of(resource)
        assert graph.take((key, resource if stays else None)) == expected.pop(key, None)
        graph.done()
        if stays:
            expected[key] = resource
    assert held_by(graph) == expected
    there = [one for _, one in sorted(expected.items()) if isinstance(one, DigitalTwin)]
    for model in MODELS:
        assert graph.digital_twins("", model.__eq__) == [one for one in there if one.model_id == model]
    for value in VALUES:
        alike = [one for one in there if "n" in one and json.dumps(one["n"]) in {json.dumps(value), _other(value)}]
        assert graph.with_value("/n", value) == alike
    related = [one for _, one in sorted(expected.items()) if isinstance(one, Relationship)]
    for one in IDS:
        assert graph.incoming(one) == [each for each in related if each.target_id == one]


def _other(value: Any) -> str:
    """How a number is written that is the same as another one."""
    return {"1": "1.0", "1.0": "1", "2": "2.0"}.get(json.dumps(value), json.dumps(value))


@given(st.lists(resources), st.lists(resources))
def test_a_state_that_is_told_anew_leaves_what_is_in_it_and_tells_only_what_is_another(
    before: list[Resource], state: list[Resource]
) -> None:
    graph = CachedGraph()
    for resource in before:
        graph.take((key_of(resource), resource))
    told = {key_of(resource): resource for resource in state}
    known = held_by(graph)
    graph.begin_listing()
    for resource in told.values():
        for step in graph.listed(resource):
            assert known.get(step[0]) != step[1]
            graph.take(step)
    for key, after in graph.unlisted():
        assert after is None
        graph.take((key, after))
        assert graph.is_listing
    graph.end_listing("t1")
    assert not graph.is_listing
    assert held_by(graph).keys() == told.keys()
    assert all(one.etag == told[key].etag for key, one in held_by(graph).items())


@given(st.lists(resources))
def test_what_is_saved_is_what_is_restored(steps: list[Resource]) -> None:
    graph = CachedGraph()
    for resource in steps:
        graph.take((key_of(resource), resource))
        graph.done()
    graph.end_listing("t1")
    graph.handled("c1")
    restored = CachedGraph()
    restored.restore(graph.save())
    assert held_by(restored) == held_by(graph)
    assert (restored.resume_token, restored.handled_ids, restored.is_listing) == ("t1", ("c1",), False)


def test_what_is_being_told_is_saved_as_it_was_before() -> None:
    graph = CachedGraph()
    one, other = (DigitalTwin(id="a", model_id="dtmi:m:A;1", etag=etag) for etag in ("1", "2"))
    graph.take((("a", ""), one))
    assert json.loads(graph.save())["digitalTwins"] == []
    graph.done()
    graph.take((("a", ""), other))
    assert json.loads(graph.save())["digitalTwins"][0]["$etag"] == "1"
    graph.done()
    assert json.loads(graph.save())["digitalTwins"][0]["$etag"] == "2"


@given(st.lists(resources))
def test_nothing_is_left_of_what_is_gone(steps: list[Resource]) -> None:
    graph = CachedGraph(["/n"])
    empty = {name: repr(value) for name, value in vars(graph).items() if name != "_lock"}
    for resource in steps:
        graph.take((key_of(resource), resource))
    for resource in steps:
        graph.take((key_of(resource), None))
    graph.done()
    assert {name: repr(value) for name, value in vars(graph).items() if name != "_lock"} == empty


def test_a_model_descends_from_all_that_it_extends() -> None:
    lineage = Lineage()
    definitions: dict[str, Any] = {
        "dtmi:m:A;1": {"extends": ["dtmi:m:B;1", {"@id": "dtmi:m:C;1"}]},
        "dtmi:m:B;1": {"extends": "dtmi:m:D;1"},
        "dtmi:m:C;1": {},
        "dtmi:m:D;1": {"extends": "dtmi:m:A;1"},  # a circle, which no service has, ends all the same
    }
    assert lineage.unknown(["dtmi:m:A;1", "", "dtmi:m:A;1"]) == ["dtmi:m:A;1"]
    lineage.learn(["dtmi:m:A;1"], (Model(id=one, dtdl_model=two) for one, two in definitions.items()))
    assert all(lineage.descends("dtmi:m:A;1", ancestor) for ancestor in definitions)
    assert not lineage.descends("dtmi:m:C;1", "dtmi:m:A;1")
    assert lineage.unknown(definitions) == []
    lineage.may_be_others()
    assert lineage.unknown(definitions) == sorted(definitions)
    assert lineage.descends("dtmi:m:B;1", "dtmi:m:D;1"), "what was known is kept until it is learnt anew"


@pytest.mark.parametrize("pointer", ["/address/city", "/a~1b/~0"])
def test_a_member_of_an_object_is_found_by_its_pointer(pointer: str) -> None:
    graph = CachedGraph([pointer])
    twin = DigitalTwin(id="a", properties={"address": {"city": "Ulm"}, "a/b": {"~": "Ulm"}})
    graph.take((("a", ""), twin))
    assert graph.with_value(pointer, "Ulm") == [twin]
