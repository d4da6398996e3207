"""Which models descend from which: read when it is first asked for, and believed for a minute."""

from collections.abc import Sequence
from typing import Any, cast

import orjson
import pytest

from twinfront_server.adt.answer import Answer
from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream.reads import Reads
from twinfront_server.upstream.scoped import lineage
from twinfront_server.upstream.scoped.lineage import Lineage


class Models:
    """The models of an instance, by what they extend."""

    def __init__(self, **extends: Any) -> None:
        self.extends = extends
        self.read: list[str] = []
        self.now = 0.0
        self.failure: TwinfrontError | None = None
        self.lineage = Lineage(cast("Reads", self), lambda: self.now)

    async def model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        self.read.append(model_id)
        if self.failure is not None:
            raise self.failure
        if model_id not in self.extends:
            raise TwinfrontError(Reason.MODEL_NOT_FOUND, "No.")
        definition = {"@id": model_id, "extends": self.extends[model_id]}
        members = {"model": definition} if include_model_definition else {}
        return Answer(orjson.dumps({"id": model_id} | members), "")

    async def descendants(self, of: Sequence[str] = ("a",)) -> set[str]:
        return {model for model in self.extends if await self.lineage.descends(model, of)}


@pytest.mark.parametrize("extends", ["a", ["a"], ["x", "a"], [{"@id": "a"}], {"@id": "a"}, [7, "a"]])
async def test_a_model_descends_from_what_it_extends_however_that_is_written(extends: object):
    assert await Models(b=extends).descendants() == {"b"}


@pytest.mark.parametrize("extends", [None, [], "x", {"@id": 7}, {"a": "a"}, 7])
async def test_a_model_that_extends_nothing_of_these_does_not_descend(extends: object):
    assert await Models(b=extends).descendants() == set()


async def test_a_model_is_among_its_own_descendants_and_need_not_be_read_for_that():
    models = Models(a=None)
    assert await models.descendants() == {"a"}
    assert models.read == []


async def test_descent_goes_over_generations_and_each_model_is_read_once():
    models = Models(b=["a"], c=["b", "x"], d=["c", "b"], x=None)
    assert await models.descendants() == {"b", "c", "d"}
    assert sorted(models.read) == ["b", "c", "d", "x"]


async def test_models_that_extend_one_another_in_a_circle_come_to_an_end():
    assert await Models(b=["c"], c=["b"]).descendants() == set()


async def test_a_model_that_is_not_there_descends_from_nothing_and_is_looked_for_each_time():
    models = Models()
    assert not await models.lineage.descends("nothing", ["a"])
    assert not await models.lineage.descends("nothing", ["a"])
    assert models.read == ["nothing", "nothing"]


async def test_what_is_no_id_of_a_model_descends_from_nothing():
    models = Models()
    models.failure = TwinfrontError(Reason.INVALID_ARGUMENT, "No.")
    assert not await models.lineage.descends("no id", ["a"])


async def test_a_model_that_cannot_be_read_leaves_it_open():
    models = Models(b=["a"])
    models.failure = TwinfrontError(Reason.UPSTREAM_UNAVAILABLE, "No.")
    with pytest.raises(TwinfrontError):
        await models.lineage.descends("b", ["a"])


async def test_what_a_model_extends_is_read_again_after_a_minute():
    models = Models(b=["a"])
    assert await models.lineage.descends("b", ["a"])
    models.extends["b"] = []
    models.now = 60.0
    assert await models.lineage.descends("b", ["a"])
    models.now = 60.5
    assert not await models.lineage.descends("b", ["a"])


async def test_the_model_that_was_learnt_first_is_forgotten_first(monkeypatch: pytest.MonkeyPatch):
    assert lineage.MAX_KEPT == 20_000
    monkeypatch.setattr(lineage, "MAX_KEPT", 2)
    models = Models(b=["a"], c=["a"], d=["a"])
    for model in ("b", "c"):
        models.lineage.learn(model, {"extends": "a"})
    models.lineage.learn("b", {"extends": "a"})  # anew, so c is the oldest
    models.lineage.learn("d", {"extends": "a"})
    assert await models.descendants() == {"b", "c", "d"}
    assert models.read == ["c"]


async def test_no_more_ancestors_are_looked_at_than_a_model_may_have(monkeypatch: pytest.MonkeyPatch):
    assert lineage.MAX_ANCESTORS == 1000
    monkeypatch.setattr(lineage, "MAX_ANCESTORS", 3)
    models = Models(e=["d"], d=["c"], c=["b"], b=["a"], a=None)
    assert await models.lineage.descends("d", ["b"])
    assert not await models.lineage.descends("e", ["a"])
