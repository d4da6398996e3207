"""Who is limited to a part of the graph sees nothing of the rest, whatever he asks for."""

import json
from typing import Any

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor

from twinfront import AsyncTwinfrontClient

from .caller import Caller, error_info, method_named, methods, rule_of
from .plant import PLANT_MODELS, PUMP, ROOM, SPACE, Plant, twin

ABOUT_A_TWIN = [method for method in methods() if "digital_twin_id" in method.input_type.fields_by_name]
WHOLE_ALONE = [method for method in methods() if rule_of(method).whole]
OTHER_FIELDS = {"component_name": "lamp", "relationship_id": "out"}


def fields(method: MethodDescriptor, digital_twin_id: str) -> dict[str, Any]:
    """Gives the fields of a sound request about a twin."""
    known = method.input_type.fields_by_name
    given: dict[str, Any] = {name: value for name, value in OTHER_FIELDS.items() if name in known}
    if "digital_twin" in known:
        given["digital_twin"] = twin(digital_twin_id, ROOM)
    if "relationship" in known:
        given["relationship"] = {"name": "leads", "target_id": "a-hall"}
    if "patch" in known:
        given["patch"] = [{"op": "OP_REPLACE", "path": "/lit", "value": {"bool_value": True}}]
    if "merge_json" in known:
        given["merge_json"] = b"{}"
    if "payload_json" in known:
        given["payload_json"] = b"{}"
    return {"digital_twin_id": digital_twin_id, **given}


async def refused(who: Caller, method: MethodDescriptor | str, **given: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await (who.ask(method, **given) if isinstance(method, str) else who.call(method, **given))
    assert error_info(refusal.value).reason == "CALLER_NOT_PERMITTED"
    return refusal.value


@pytest.mark.parametrize("method", ABOUT_A_TWIN, ids=lambda method: method.name)
async def test_a_twin_of_another_id_is_refused_without_a_look_at_it(plant: Plant, method: MethodDescriptor):
    refusals = [await refused(plant.house_a, method, **fields(method, name)) for name in ("b-room", "b-none")]
    for refusal in refusals:
        assert ("twinfront-upstream-attempts", "0") in tuple(refusal.trailing_metadata() or ())
    first, second = [str(refusal.details()) for refusal in refusals]
    assert first.replace("b-room", "b-none") == second


@pytest.mark.parametrize("method", ABOUT_A_TWIN, ids=lambda method: method.name)
async def test_a_twin_of_another_model_is_refused(plant: Plant, method: MethodDescriptor):
    await refused(plant.spaces, method, **fields(method, "a-pump"))


CREATING = {"CreateOrReplaceDigitalTwin"}


@pytest.mark.parametrize(
    "method", [each for each in ABOUT_A_TWIN if each.name not in CREATING], ids=lambda method: method.name
)
async def test_by_models_a_twin_that_is_not_there_is_refused_as_one_that_is_not_permitted(
    plant: Plant, method: MethodDescriptor
):
    there, not_there = [
        str((await refused(plant.spaces, method, **fields(method, name))).details()) for name in ("b-pump", "b-none")
    ]
    assert there.replace("b-pump", "b-none") == not_there


@pytest.mark.parametrize("method", ABOUT_A_TWIN, ids=lambda method: method.name)
async def test_a_twin_inside_is_not_refused(plant: Plant, method: MethodDescriptor):
    given = fields(method, "a-room")
    if "relationship_id" in given:
        given["relationship_id"] = "in"
    for who in (plant.house_a, plant.spaces):
        reason = await who.reason(method, **given)
        assert (
            reason in {"", "TWIN_HAS_RELATIONSHIPS", "JSON_PATCH_INVALID"}
            or method.name.startswith("Publish")
            or (method.name.startswith("Delete") and reason == "CALLER_NOT_PERMITTED" and who is plant.spaces)
        )


@pytest.mark.parametrize("method", WHOLE_ALONE, ids=lambda method: method.name)
async def test_what_takes_the_whole_graph_is_refused_and_says_so(plant: Plant, method: MethodDescriptor):
    for who in (plant.house_a, plant.spaces):
        refusal = await refused(who, method)
        assert "for the whole graph, and this caller has it for a part of the graph alone" in str(refusal.details())


async def test_a_relationship_that_leads_outside_is_refused_as_one_that_is_not_there(plant: Plant):
    for name in ("GetRelationship", "DeleteRelationship", "UpdateRelationship"):
        outside, none = [
            str(
                (
                    await refused(plant.house_a, name, digital_twin_id="a-room", relationship_id=relationship_id)
                ).details()
            )
            for relationship_id in ("out", "non")
        ]
        assert outside.replace("/out", "/non") == none


async def test_no_relationship_is_made_to_lead_outside_or_put_over_one_that_does(plant: Plant):
    to_b = {"name": "leads", "target_id": "b-room"}
    to_a = {"name": "leads", "target_id": "a-hall"}
    put = "CreateOrReplaceRelationship"
    await refused(plant.house_a, put, digital_twin_id="a-room", relationship_id="new", relationship=to_b)
    await refused(plant.house_a, put, digital_twin_id="a-room", relationship_id="out", relationship=to_a)
    await plant.house_a.ask(put, digital_twin_id="a-room", relationship_id="new", relationship=to_a)


async def ids_of(listing: Any, items: str) -> set[str]:
    return {getattr(item, "id", "") or item.relationship_id for item in getattr(listing, items)}


async def test_lists_of_relationships_have_those_both_ends_of_which_are_inside(plant: Plant):
    outgoing = await plant.house_a.ask("ListRelationships", digital_twin_id="a-room")
    assert await ids_of(outgoing, "relationships") == {"in"}
    incoming = await plant.house_a.ask("ListIncomingRelationships", digital_twin_id="a-room")
    assert await ids_of(incoming, "incoming_relationships") == {"feeds"}
    incoming = await plant.spaces.ask("ListIncomingRelationships", digital_twin_id="a-room")
    assert await ids_of(incoming, "incoming_relationships") == {"back"}


async def test_a_batch_says_which_twins_are_not_permitted_whether_they_exist_or_not(plant: Plant):
    ids = ["a-room", "b-room", "b-none", "a-none"]
    answer = await plant.house_a.ask("BatchGetDigitalTwins", digital_twin_ids=ids)
    assert [each.id for each in answer.digital_twins] == ["a-room"]
    assert list(answer.not_permitted_digital_twin_ids) == ["b-room", "b-none"]
    assert list(answer.missing_digital_twin_ids) == ["a-none"]
    answer = await plant.spaces.ask("BatchGetDigitalTwins", digital_twin_ids=["a-room", "a-pump", "a-none"])
    assert [each.id for each in answer.digital_twins] == ["a-room"]
    assert list(answer.not_permitted_digital_twin_ids) == ["a-pump", "a-none"]


async def test_the_python_client_tells_which_twins_of_a_batch_are_not_permitted(plant: Plant):
    client = AsyncTwinfrontClient.from_channel(plant.house_a.channel)
    ids = ["a-room", "b-room", "b-none", "a-none"]
    found = await client.batch_get_digital_twins(ids, metadata=plant.house_a.metadata)
    assert [each.id for each in found.digital_twins] == ["a-room"]
    assert (found.not_permitted, found.missing) == (["b-room", "b-none"], ["a-none"])


async def test_a_batch_writes_what_is_permitted_and_refuses_the_rest_item_by_item(plant: Plant):
    writes = [
        {"digital_twin_id": name, "create_or_replace": twin(name, model)}
        for name, model in (("a-new", ROOM), ("b-new", ROOM), ("a-bad", PUMP))
    ]
    answer = await plant.house_a.ask("BatchWriteDigitalTwins", writes=writes)
    assert [result.status.code for result in answer.results] == [0, grpc.StatusCode.PERMISSION_DENIED.value[0], 0]
    answer = await plant.spaces.ask("BatchWriteDigitalTwins", writes=writes)
    assert [result.status.code for result in answer.results][1:] == [0, grpc.StatusCode.PERMISSION_DENIED.value[0]]


async def test_a_twin_is_not_given_a_model_outside_nor_put_over_one_of_it(plant: Plant):
    put = "CreateOrReplaceDigitalTwin"
    await refused(plant.spaces, put, digital_twin_id="a-room", digital_twin=twin("a-room", PUMP))
    await refused(plant.spaces, put, digital_twin_id="a-pump", digital_twin=twin("a-pump", ROOM))
    await refused(plant.spaces, put, digital_twin_id="new", digital_twin=twin("new", "dtmi:acme:Nothing;1"))
    await plant.spaces.ask(put, digital_twin_id="new", digital_twin=twin("new", ROOM))


async def test_what_is_wrong_with_a_twin_of_a_model_inside_is_told_to_who_may_write_it(plant: Plant):
    odd = {"json": b'{"$metadata":{"$model":"%b"},"odd":1}' % SPACE.encode()}
    for name in ("new", "a-hall"):
        given = {"digital_twin_id": name, "digital_twin": odd}
        assert await plant.spaces.reason(method_named("CreateOrReplaceDigitalTwin"), **given) == "VALIDATION_FAILED"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/$metadata/$model", PUMP),
        ("$metadata/$model", PUMP),
        ("/$Metadata/$MODEL", PUMP),
        ("/$metadata", {"$model": PUMP}),
        ("$metadata", {"$model": PUMP}),
        ("$metadata", {}),
        ("/$metadata/$model", [PUMP]),
    ],
)
@pytest.mark.parametrize("op", ["OP_ADD", "OP_REPLACE"])
async def test_a_patch_gives_no_twin_a_model_outside(plant: Plant, op: str, path: str, value: Any):
    first = {"op": "OP_REPLACE", "path": "/$metadata/$model", "value_json": json.dumps(SPACE).encode()}
    patch = [first, {"op": op, "path": path, "value_json": json.dumps(value).encode()}]
    await refused(plant.spaces, "UpdateDigitalTwin", digital_twin_id="a-room", patch=patch)
    merge = json.dumps({"$metadata": {"$model": PUMP}}).encode()
    await refused(plant.spaces, "MergeDigitalTwin", digital_twin_id="a-room", merge_json=merge)


@pytest.mark.parametrize("target", [["b-room"], {"a-hall": 1}, 7, True])
async def test_a_target_that_is_no_id_is_no_twin_inside(plant: Plant, target: Any):
    document = json.dumps({"$relationshipName": "leads", "$targetId": target}).encode()
    await refused(
        plant.house_a,
        "CreateOrReplaceRelationship",
        digital_twin_id="a-room",
        relationship_id="new",
        relationship={"json": document},
    )


@pytest.mark.parametrize("depth", [150, 300, 900])
async def test_what_is_nested_too_deeply_is_refused_as_that(plant: Plant, depth: int):
    deep = b"[" * depth + b"]" * depth
    metadata = json.dumps({"$model": ROOM}).encode()
    requests: dict[str, dict[str, Any]] = {
        "CreateOrReplaceDigitalTwin": {"digital_twin": {"json": b'{"$metadata":%b,"x":%b}' % (metadata, deep)}},
        "UpdateDigitalTwin": {"patch": [{"op": "OP_ADD", "path": "/x", "value_json": deep}]},
        "CreateOrReplaceRelationship": {
            "relationship_id": "new",
            "relationship": {"json": b'{"$relationshipName":"leads","$targetId":"a-hall","x":%b}' % deep},
        },
    }
    for name, given in requests.items():
        reason = await plant.house_a.reason(method_named(name), digital_twin_id="a-room", **given)
        assert reason == "INVALID_ARGUMENT"


async def test_a_model_said_twice_is_what_is_checked(plant: Plant):
    document = (
        f'{{"$metadata": {{"$model": "{PUMP}"}}, "$metadata": {{"$model": "{ROOM}"}}, "lamp": {{"$metadata": {{}}}}}}'
    )
    given = {"digital_twin_id": "twice", "digital_twin": {"json": document.encode()}}
    if not await plant.spaces.reason(method_named("CreateOrReplaceDigitalTwin"), **given):
        stored = await plant.owner.ask("GetDigitalTwin", digital_twin_id="twice")
        assert stored.digital_twin.model_id == ROOM


async def test_who_is_limited_by_models_sees_those_and_their_descendants(plant: Plant):
    listed = await plant.spaces.ask("ListModels")
    assert {model.id for model in listed.models} == {SPACE, ROOM}
    assert not any(model.dtdl_model for model in listed.models)
    with_text = await plant.spaces.ask("ListModels", include_model_definition=True)
    assert all(model.dtdl_model for model in with_text.models)
    await plant.spaces.ask("GetModel", model_id=ROOM)
    await refused(plant.spaces, "GetModel", model_id=PUMP)
    await refused(plant.spaces, "GetModel", model_id="dtmi:acme:Nothing;1")
    await refused(plant.spaces, "ListModels", dependencies_for=[PUMP])


async def test_who_is_limited_by_ids_sees_all_models(plant: Plant):
    assert len((await plant.house_a.ask("ListModels")).models) == PLANT_MODELS
    await plant.house_a.ask("GetModel", model_id=PUMP)


async def exported(who: Caller, **given: Any) -> set[str]:
    items = [item for message in await who.ask("ExportGraph", **given) for item in message.items]
    return {
        item.digital_twin.id or f"{item.relationship.source_id}>{item.relationship.id}"
        for item in items
        if not item.dtdl_model
    }


async def test_an_export_has_what_is_inside(plant: Plant):
    assert await exported(plant.house_a) == {"a-room", "a-hall", "a-pump", "a-room>in", "a-pump>feeds"}
    assert await exported(plant.spaces) == {"a-room", "a-hall", "b-room", "a-room>in", "a-room>out", "b-room>back"}
    await refused(plant.house_a, "ExportGraph", query="SELECT * FROM digitaltwins")


async def test_an_import_writes_what_is_inside_item_by_item(plant: Plant):
    items = [
        {"dtdl_model": '{"@context": "dtmi:dtdl:context;2", "@type": "Interface", "@id": "dtmi:acme:New;1"}'},
        {"digital_twin": {"id": "a-new", **twin("a-new", ROOM)}},
        {"digital_twin": {"id": "b-new", **twin("b-new", ROOM)}},
        {"relationship": {"source_id": "a-new", "id": "x", "name": "leads", "target_id": "a-room"}},
        {"relationship": {"source_id": "a-new", "id": "y", "name": "leads", "target_id": "b-room"}},
    ]
    results = [result for message in await plant.house_a.ask("ImportGraph", items=items) for result in message.results]
    denied = grpc.StatusCode.PERMISSION_DENIED.value[0]
    assert {result.index: result.status.code for result in results if result.status.code} == {
        0: denied,
        2: denied,
        4: denied,
    }


async def test_a_blocked_delete_names_no_relationship_that_leads_outside(plant: Plant):
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await plant.house_a.ask("DeleteDigitalTwin", digital_twin_id="a-room")
    assert error_info(refusal.value).reason == "TWIN_HAS_RELATIONSHIPS"
    trailers = b"".join(
        value if isinstance(value, bytes) else value.encode() for _, value in refusal.value.trailing_metadata() or ()
    )
    assert b"a-hall" in trailers
    assert b"b-room" not in trailers
    assert b"back" not in trailers


@pytest.mark.parametrize("validate_only", [False, True])
async def test_a_detaching_delete_that_a_relationship_outside_is_in_the_way_of_deletes_nothing(
    plant: Plant, validate_only: bool
):
    method = method_named("DeleteDigitalTwin")
    given = {"digital_twin_id": "a-room", "relationships": 2, "validate_only": validate_only}
    assert await plant.house_a.reason(method, **given) == "TWIN_HAS_RELATIONSHIPS"
    left = await plant.owner.ask("ListRelationships", digital_twin_id="a-room")
    assert await ids_of(left, "relationships") == {"out", "in"}
    left = await plant.owner.ask("ListIncomingRelationships", digital_twin_id="a-room")
    assert await ids_of(left, "incoming_relationships") == {"back", "feeds"}


async def test_a_detaching_delete_of_a_twin_with_all_its_relationships_inside_is_carried_out(plant: Plant):
    await plant.house_a.ask("DeleteDigitalTwin", digital_twin_id="a-hall", relationships=2)
    left = await plant.owner.ask("ListRelationships", digital_twin_id="a-room")
    assert await ids_of(left, "relationships") == {"out"}


async def test_a_page_token_of_a_cut_list_is_for_nobody_else(plant: Plant):
    first = await plant.spaces.ask("ListModels", page_size=1)
    for other in (plant.owner, plant.spaces.known_as("eve", "spaces")):
        assert (
            await other.reason(method_named("ListModels"), page_size=1, page_token=first.next_page_token)
            == "PAGE_TOKEN_INVALID"
        )
    await plant.spaces.ask("ListModels", page_size=1, page_token=first.next_page_token)


async def test_telemetry_is_published_for_twins_inside(plant: Plant):
    for who, outside in ((plant.house_a, "b-room"), (plant.spaces, "a-pump")):
        await refused(who, "PublishTelemetry", digital_twin_id=outside, payload_json=b"{}")
