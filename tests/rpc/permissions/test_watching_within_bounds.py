"""Who is limited to a part of the graph is told of its changes, and of nothing else."""

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc.aio
import pytest

from twinfront.v1 import change_service_pb2 as messages

from ..watching import watcher
from ..watching.watcher import Watcher, told
from .caller import Caller, error_info
from .plant import PUMP, ROOM, Plant, twin

GRAPH = messages.INITIAL_STATE_GRAPH
LIT = [{"op": "OP_ADD", "path": "/lit", "value": {"bool_value": True}}]


def watching(who: Caller, **request: Any) -> AbstractAsyncContextManager[Watcher]:
    """Watches as somebody."""
    return watcher.watching(who.channel, who.metadata, **request)


async def put(who: Caller, digital_twin_id: str, model: str) -> None:
    body = twin(digital_twin_id, model)
    await who.ask("CreateOrReplaceDigitalTwin", digital_twin_id=digital_twin_id, digital_twin=body)


async def light(who: Caller, digital_twin_id: str) -> None:
    await who.ask("UpdateDigitalTwin", digital_twin_id=digital_twin_id, patch=LIT)


async def connect(who: Caller, source: str, relationship_id: str, target: str) -> None:
    await who.ask(
        "CreateOrReplaceRelationship",
        digital_twin_id=source,
        relationship_id=relationship_id,
        relationship={"name": "leads", "target_id": target},
    )


async def disconnect(who: Caller, source: str, relationship_id: str) -> None:
    await who.ask("DeleteRelationship", digital_twin_id=source, relationship_id=relationship_id)


async def test_by_ids_changes_of_twins_inside_are_told_and_no_others(plant: Plant):
    async with watching(plant.house_a) as watcher:
        for each in ("b-room", "a-room", "b-pump", "a-pump"):
            await light(plant.owner, each)
        assert await watcher.told(2) == [("TWIN_UPDATED", "a-room"), ("TWIN_UPDATED", "a-pump")]


async def test_by_models_changes_of_twins_inside_are_told_and_no_others(plant: Plant):
    async with watching(plant.spaces) as watcher:
        for each in ("b-pump", "b-room", "a-pump", "a-hall"):
            await light(plant.owner, each)
        assert await watcher.told(2) == [("TWIN_UPDATED", "b-room"), ("TWIN_UPDATED", "a-hall")]


async def test_a_relationship_is_told_of_to_who_may_see_both_its_ends(plant: Plant):
    async with watching(plant.house_a) as house, watching(plant.spaces) as spaces:
        await connect(plant.owner, "a-hall", "to-b", "b-room")
        await connect(plant.owner, "a-hall", "to-pump", "a-pump")
        await connect(plant.owner, "a-pump", "to-hall", "a-hall")
        await connect(plant.owner, "a-hall", "to-room", "a-room")
        created = "RELATIONSHIP_CREATED"
        assert await house.told(3) == [
            (created, "a-hall/to-pump"),
            (created, "a-pump/to-hall"),
            (created, "a-hall/to-room"),
        ]
        assert await spaces.told(2) == [(created, "a-hall/to-b"), (created, "a-hall/to-room")]


async def test_deleted_relationships_are_told_of_to_the_same(plant: Plant):
    async with watching(plant.house_a) as house, watching(plant.spaces) as spaces:
        await disconnect(plant.owner, "a-room", "out")
        await disconnect(plant.owner, "a-pump", "feeds")
        await disconnect(plant.owner, "a-room", "in")
        deleted = "RELATIONSHIP_DELETED"
        assert await house.told(2) == [(deleted, "a-pump/feeds"), (deleted, "a-room/in")]
        assert await spaces.told(2) == [(deleted, "a-room/out"), (deleted, "a-room/in")]


async def test_the_state_is_cut_to_what_is_inside(plant: Plant):
    async with watching(plant.house_a, initial_state=GRAPH) as watcher:
        assert await watcher.state() == (["a-hall", "a-pump", "a-room"], ["a-pump/feeds", "a-room/in"])
    async with watching(plant.spaces, initial_state=GRAPH) as watcher:
        assert await watcher.state() == (["a-hall", "a-room", "b-room"], ["a-room/in", "a-room/out", "b-room/back"])


async def test_a_twin_whose_model_comes_into_sight_is_told_as_created_with_what_leads_to_and_from_it(plant: Plant):
    await connect(plant.owner, "a-hall", "to-pump", "a-pump")
    await connect(plant.owner, "a-pump", "to-b-pump", "b-pump")
    async with watching(plant.spaces) as watcher:
        await put(plant.owner, "a-pump", ROOM)
        changes = await watcher.changes(3)
    assert [told(change) for change in changes] == [
        ("TWIN_CREATED", "a-pump"),
        ("RELATIONSHIP_CREATED", "a-pump/feeds"),
        ("RELATIONSHIP_CREATED", "a-hall/to-pump"),
    ]
    assert changes[0].digital_twin.model_id == ROOM


async def test_a_twin_whose_model_goes_out_of_sight_is_told_as_deleted_and_nothing_of_what_it_is_now(plant: Plant):
    async with watching(plant.spaces) as watcher:
        await put(plant.owner, "b-room", PUMP)
        await light(plant.owner, "b-room")
        await light(plant.owner, "a-room")
        deleted, updated = await watcher.changes(2)
    assert told(deleted) == ("TWIN_DELETED", "b-room")
    assert (deleted.model_id, deleted.etag, len(deleted.patch), deleted.WhichOneof("resource")) == (ROOM, "", 0, None)
    assert deleted.incoming_relationships_left
    assert told(updated) == ("TWIN_UPDATED", "a-room")


async def test_a_twin_that_is_seen_in_the_log_and_out_of_sight_by_now_is_not_shown(plant: Plant):
    async with watching(plant.spaces) as watcher:
        token = watcher.token
    await put(plant.owner, "a-pump", ROOM)
    await put(plant.owner, "a-pump", PUMP)
    after = messages.CHANGE_CONTENT_AFTER
    async with watching(plant.spaces, resume_token=token) as watcher:
        assert await watcher.told(1) == [("TWIN_DELETED", "a-pump")]
    async with watching(plant.spaces, content=after) as watcher:
        await light(plant.owner, "a-room")
        assert (await watcher.change()).digital_twin.id == "a-room"


async def test_models_that_twins_inside_can_be_of_are_told_of_and_no_others(plant: Plant):
    def interface(name: str, **members: Any) -> str:
        document = {"@context": "dtmi:dtdl:context;2", "@type": "Interface", "@id": f"dtmi:acme:{name};1"}
        return json.dumps(document | members)

    async with watching(plant.spaces) as watcher:
        await plant.owner.ask("CreateModels", dtdl_models=[interface("Valve"), interface("Office", extends=ROOM)])
        assert await watcher.told(1) == [("MODEL_CREATED", "dtmi:acme:Office;1")]


async def test_the_token_of_somebody_else_is_refused(plant: Plant):
    async with watching(plant.owner) as watcher:
        tokens = [watcher.token, (await plant.owner.ask("GetChangeLog")).oldest_token]
    for token in tokens:
        async with watching(plant.house_a, resume_token=token) as watcher:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await watcher.next()
        assert error_info(refused.value).reason == "RESUME_TOKEN_INVALID"


async def test_who_may_not_see_models_is_not_told_of_them(plant: Plant):
    looker_on = plant.owner.known_as("walt", "lookers-on")
    model = {"@context": "dtmi:dtdl:context;2", "@type": "Interface", "@id": "dtmi:acme:Valve;1"}
    async with watching(looker_on) as watcher:
        await plant.owner.ask("CreateModels", dtdl_models=[json.dumps(model)])
        await light(plant.owner, "a-room")
        assert await watcher.told(1) == [("TWIN_UPDATED", "a-room")]


async def test_who_may_not_see_models_and_wants_to_be_told_of_them_is_refused(plant: Plant):
    looker_on = plant.owner.known_as("walt", "lookers-on")
    kinds = [messages.CHANGE_KIND_TWIN_CREATED, messages.CHANGE_KIND_MODEL_CREATED]
    async with watching(looker_on, resume_token="", filter={"kinds": kinds}) as watcher:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await watcher.next()
    assert error_info(refused.value).reason == "CALLER_NOT_PERMITTED"
