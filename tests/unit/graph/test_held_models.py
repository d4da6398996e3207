"""Models that wait for those that they need."""

import orjson

from twinfront_server.graph.held_models import HeldModel, HeldModels
from twinfront_server.graph.item import Item, ModelWrite


def held(name: str, *needed: str) -> HeldModel:
    model_id = f"dtmi:{name};1"
    document = {"@id": model_id, "extends": [f"dtmi:{other};1" for other in needed]}
    return Item(0), ModelWrite(model_id, orjson.dumps(document))


def names(models: list[HeldModel]) -> list[str]:
    return [model.model_id.removeprefix("dtmi:").removesuffix(";1") for _, model in models]


def holding(*models: HeldModel) -> HeldModels:
    all_held = HeldModels()
    for item, model in models:
        all_held.add(item, model)
    return all_held


def test_what_has_come_is_promising():
    models = holding(held("a"), held("b", "a"))
    assert names(models.take_promising()) == ["a", "b"]
    assert not models


def test_what_was_tried_in_vain_is_not_tried_again_for_a_model_that_it_does_not_mention():
    models = holding(held("a", "base"))
    models.put_back(models.take_promising())
    models.add(*held("other"))
    assert names(models.take_promising()) == ["other"]
    assert models


def test_what_was_tried_in_vain_is_tried_again_with_a_model_that_it_mentions():
    models = holding(held("a", "base"), held("b", "a"), held("c", "nowhere"))
    models.put_back(models.take_promising())
    models.add(*held("base"))
    assert names(models.take_promising()) == ["base", "a", "b"]
    assert names(models.take()) == ["c"]


def test_models_that_mention_each_other_come_once():
    models = holding(held("a", "b"), held("b", "a"))
    models.put_back(models.take_promising())
    models.add(*held("c", "a"))
    assert names(models.take_promising()) == ["c"]
    assert sorted(names(models.take())) == ["a", "b"]


def test_models_that_wait_in_vain_are_all_given_up_in_the_end():
    models = holding(held("a", "base"))
    models.put_back(models.take_promising())
    models.add(*held("other"))
    assert names(models.take()) == ["a", "other"]
    assert not models
    assert models.take_promising() == []


def test_there_is_no_room_for_the_same_model_twice():
    models = holding(held("a"))
    assert not models.has_room_for(held("a")[1])
    assert models.has_room_for(held("b")[1])


def test_there_is_room_for_32_mb():
    models = HeldModels()
    large = ModelWrite("dtmi:large;1", b"x" * (32 << 20))
    assert models.has_room_for(large)
    models.add(Item(0), large)
    assert not models.has_room_for(held("a")[1])
    models.take()
    assert models.has_room_for(held("a")[1])
