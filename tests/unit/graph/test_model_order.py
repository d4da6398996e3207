"""Models are uploaded after those that they need."""

from random import Random
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from twinfront_server.graph.item import ModelWrite
from twinfront_server.graph.model_order import needs_of, upload_order


def model(name: str, *contents: dict[str, Any], **members: Any) -> ModelWrite:
    model_id = f"dtmi:example:{name};1"
    return ModelWrite(model_id, orjson.dumps({"@id": model_id, "contents": contents, **members}))


def component(name: str) -> dict[str, Any]:
    return {"@type": "Component", "name": "part", "schema": f"dtmi:example:{name};1"}


def relationship(name: str) -> dict[str, Any]:
    return {"@type": "Relationship", "name": "to", "target": f"dtmi:example:{name};1"}


def order(*models: ModelWrite) -> list[int]:
    return upload_order(needs_of(models))


def test_what_is_needed_comes_first():
    room = model("Room", extends="dtmi:example:Space;1")
    floor = model("Floor", component("Room"), extends=["dtmi:example:Space;1", "dtmi:example:Other;1"])
    assert order(floor, room, model("Space")) == [2, 1, 0]


def test_what_needs_nothing_keeps_its_place():
    assert order(model("A"), model("B"), model("C", component("A"))) == [0, 1, 2]


def test_the_target_of_a_relationship_is_not_needed():
    assert order(model("A", relationship("B")), model("B", relationship("A"))) == [0, 1]


def test_models_that_need_each_other_come_last():
    assert order(model("A", component("B")), model("B", component("A")), model("C")) == [2, 0, 1]


def test_a_long_chain_is_no_trouble():
    chain = [model(f"M{number}", component(f"M{number + 1}")) for number in range(5000)]
    assert order(*chain, model("M5000")) == list(range(5000, -1, -1))


@given(st.lists(st.sets(st.integers(0, 12)), max_size=12), st.randoms())
def test_every_model_comes_once_and_after_what_it_needs(needs: list[set[int]], random: Random):
    models = [
        model(f"M{number}", *(component(f"M{needed}") for needed in sorted(needed_ones) if needed < number))
        for number, needed_ones in enumerate(needs)
    ]
    random.shuffle(models)
    found = [models[position].model_id for position in order(*models)]
    assert sorted(found) == sorted(each.model_id for each in models)
    for number, needed_ones in enumerate(needs):
        for needed in needed_ones:
            if needed < number:
                assert found.index(f"dtmi:example:M{needed};1") < found.index(f"dtmi:example:M{number};1")
