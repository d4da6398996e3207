"""A caller who is limited by models, while a rival gives twins other models between the look and the write."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc.aio
import pytest

from twinfront_server.upstream.sdk_reads import SdkReads

from .caller import Caller, error_info, method_named
from .plant import PUMP, ROOM, SPACE, Plant, twin

LIT = [{"op": "OP_ADD", "path": "/lit", "value": {"bool_value": True}}]

WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "patch": ("UpdateDigitalTwin", {"patch": LIT}),
    "merge": ("MergeDigitalTwin", {"merge_json": b'{"lit": true}'}),
    "replace": ("CreateOrReplaceDigitalTwin", {"digital_twin": twin("b-room", SPACE)}),
    "component": ("UpdateComponent", {"component_name": "lamp", "patch": LIT}),
}

Rival = Callable[[], Awaitable[None]]


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Has a rival act each time that a twin has been read, until he has acted so often."""

    def let_act(rival: Rival, *, times: int = 1) -> list[str]:
        acted: list[str] = []
        read = SdkReads.digital_twin

        async def read_and_be_overtaken(self: SdkReads, digital_twin_id: str) -> Any:
            answer = await read(self, digital_twin_id)
            if digital_twin_id == "b-room" and len(acted) < times:
                acted.append(digital_twin_id)
                await rival()
            return answer

        monkeypatch.setattr(SdkReads, "digital_twin", read_and_be_overtaken)
        return acted

    return let_act


async def stored(plant: Plant) -> tuple[str, bool]:
    """Gives the model of the room, and whether it or its lamp is lit."""
    read = (await plant.owner.ask("GetDigitalTwin", digital_twin_id="b-room")).digital_twin
    return read.model_id, bool(read.properties) or bool(read.components["lamp"].properties)


async def put(owner: Caller, model: str) -> None:
    await owner.ask("CreateOrReplaceDigitalTwin", digital_twin_id="b-room", digital_twin=twin("b-room", model))


async def cut_off(owner: Caller) -> None:
    """Deletes the relationships of the room, without which it may be deleted."""
    for source, name in (("a-room", "out"), ("b-room", "back")):
        await owner.ask("DeleteRelationship", digital_twin_id=source, relationship_id=name)


async def reason(who: Caller, write: str, **more: Any) -> str:
    name, fields = WRITES[write]
    return await who.reason(method_named(name), digital_twin_id="b-room", **fields, **more)


@pytest.mark.parametrize("write", WRITES)
async def test_a_twin_that_leaves_the_bounds_after_the_look_is_not_written_to(
    plant: Plant, between: Callable[..., list[str]], write: str
):
    between(partial(put, plant.owner, PUMP))
    assert await reason(plant.spaces, write) == "CALLER_NOT_PERMITTED"
    assert await stored(plant) == (PUMP, False)


@pytest.mark.parametrize("write", WRITES)
async def test_a_twin_that_changes_within_the_bounds_is_written_to_and_no_conflict_is_told(
    plant: Plant, between: Callable[..., list[str]], write: str
):
    acted = between(partial(put, plant.owner, ROOM), times=3)
    assert await reason(plant.spaces, write) == ""
    assert len(acted) == 3
    model, is_lit = await stored(plant)
    assert (model, is_lit) == ((SPACE, False) if write == "replace" else (ROOM, True))


async def test_a_twin_that_leaves_the_bounds_after_the_look_is_not_deleted(
    plant: Plant, between: Callable[..., list[str]]
):
    await cut_off(plant.owner)
    between(partial(put, plant.owner, PUMP))
    delete = method_named("DeleteDigitalTwin")
    assert await plant.spaces.reason(delete, digital_twin_id="b-room") == "CALLER_NOT_PERMITTED"
    assert await stored(plant) == (PUMP, False)
    await put(plant.owner, ROOM)
    assert await plant.spaces.reason(delete, digital_twin_id="b-room") == ""


async def test_an_item_of_a_batch_is_not_written_to_a_twin_that_leaves_the_bounds(
    plant: Plant, between: Callable[..., list[str]]
):
    between(partial(put, plant.owner, PUMP))
    writes = [{"digital_twin_id": "b-room", "patch": {"operations": LIT}}]
    [result] = (await plant.spaces.ask("BatchWriteDigitalTwins", writes=writes)).results
    assert "may not do this" in result.status.message
    assert await stored(plant) == (PUMP, False)


async def imported(plant: Plant, **item: Any) -> str:
    """Imports one item as the caller limited by models; gives its message, empty if it was written."""
    [message] = await plant.spaces.ask("ImportGraph", items=[item])
    [result] = message.results
    return str(result.status.message)


ITEMS: dict[str, dict[str, Any]] = {
    "json": {"digital_twin": twin("b-room", SPACE)},
    "typed": {"digital_twin": {"id": "b-room", "model_id": SPACE, "components": {"lamp": {}}}},
}


@pytest.mark.parametrize("form", ITEMS)
async def test_an_item_of_an_import_does_not_overwrite_a_twin_that_leaves_the_bounds(
    plant: Plant, between: Callable[..., list[str]], form: str
):
    acted = between(partial(put, plant.owner, PUMP))
    assert "may not do this" in await imported(plant, **ITEMS[form])
    assert len(acted) == 1
    assert await stored(plant) == (PUMP, False)


@pytest.mark.parametrize("form", ITEMS)
async def test_an_item_of_an_import_replaces_a_twin_that_changes_within_the_bounds(
    plant: Plant, between: Callable[..., list[str]], form: str
):
    acted = between(partial(put, plant.owner, ROOM), times=3)
    assert await imported(plant, **ITEMS[form]) == ""
    assert len(acted) == 3
    assert await stored(plant) == (SPACE, False)


async def test_a_condition_of_the_callers_own_is_kept_and_its_conflict_is_told(
    plant: Plant, between: Callable[..., list[str]]
):
    etag = (await plant.owner.ask("GetDigitalTwin", digital_twin_id="b-room")).etag
    acted = between(partial(put, plant.owner, ROOM))
    assert await reason(plant.spaces, "patch", if_match=etag) == "ETAG_MISMATCH"
    assert len(acted) == 1


@pytest.mark.parametrize("write", ["patch", "component"])
async def test_whoever_asks_for_any_state_hears_of_no_conflict(
    plant: Plant, between: Callable[..., list[str]], write: str
):
    between(partial(put, plant.owner, ROOM))
    assert await reason(plant.spaces, write, if_match="*") == ""


async def test_a_twin_that_never_stays_as_it_was_seen_is_given_up(plant: Plant, between: Callable[..., list[str]]):
    acted = between(partial(put, plant.owner, ROOM), times=1000)
    with pytest.raises(grpc.aio.AioRpcError) as given_up:
        await plant.spaces.ask("UpdateDigitalTwin", digital_twin_id="b-room", patch=LIT)
    assert error_info(given_up.value).reason == "ETAG_MISMATCH"
    assert str(given_up.value.details()).startswith(
        "digitaltwins/b-room was changed by others 12 times while this call"
    )
    assert 10 < len(acted) < 100


async def test_a_twin_that_somebody_else_creates_meanwhile_is_replaced(plant: Plant, between: Callable[..., list[str]]):
    await cut_off(plant.owner)
    await plant.owner.ask("DeleteDigitalTwin", digital_twin_id="b-room")
    between(partial(put, plant.owner, ROOM))
    assert await reason(plant.spaces, "replace") == ""
    assert await stored(plant) == (SPACE, False)
