"""Who may call what: every RPC of the contract for each role that credentials can say."""

from typing import Any

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor

from twinfront_server.access.permissions import ROLES
from twinfront_server.app import App

from .caller import Caller, error_info, methods

READS = {
    "GetDigitalTwin",
    "GetComponent",
    "BatchGetDigitalTwins",
    "GetRelationship",
    "ListRelationships",
    "ListIncomingRelationships",
    "GetModel",
    "ListModels",
    "QueryTwins",
    "StreamQueryTwins",
    "GetEventRoute",
    "ListEventRoutes",
    "GetImportJob",
    "ListImportJobs",
    "GetDeleteJob",
    "ListDeleteJobs",
    "Watch",
    "GetChangeLog",
}
TWIN_WRITES = {
    "CreateOrReplaceDigitalTwin",
    "UpdateDigitalTwin",
    "MergeDigitalTwin",
    "DeleteDigitalTwin",
    "UpdateComponent",
    "BatchWriteDigitalTwins",
    "CreateOrReplaceRelationship",
    "UpdateRelationship",
    "DeleteRelationship",
    "PublishTelemetry",
    "PublishComponentTelemetry",
}
OPERATIONS = {
    "ImportGraph",
    "ExportGraph",
    "CreateOrReplaceEventRoute",
    "DeleteEventRoute",
    "CreateImportJob",
    "CancelImportJob",
    "DeleteImportJob",
    "CreateDeleteJob",
}
MODEL_WRITES = {"CreateModels", "DecommissionModel", "DeleteModel"}

FOR_EVERYBODY = {"CheckPermissions"}

PERMITTED = {
    "": set(),
    "reader": READS,
    "writer": READS | TWIN_WRITES,
    "modeller": MODEL_WRITES | {"GetModel", "ListModels"},
    "operator": READS | OPERATIONS,
    "janitor": set(),
}


def test_the_matrix_has_every_role():
    assert PERMITTED.keys() - {"", "janitor"} == ROLES.keys()


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.name)
@pytest.mark.parametrize("role", PERMITTED, ids=lambda role: role or "no role")
async def test_a_role_may_call_its_methods_and_no_other(caller: Caller, role: str, method: MethodDescriptor):
    # Import and delete jobs are the one thing that an empty request begins, and they end by themselves.
    reason = await caller.known_as("alice", role).reason(method)
    assert (reason != "CALLER_NOT_PERMITTED") == (method.name in PERMITTED[role] | FOR_EVERYBODY)


async def test_roles_add_up(caller: Caller):
    both = caller.known_as("alice", "reader", "modeller")
    await both.ask("ListModels")
    await both.ask("QueryTwins", query="SELECT * FROM digitaltwins")


async def test_the_refusal_names_the_caller_the_permission_and_the_role(caller: Caller):
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await caller.known_as("alice", "reader").ask("CreateModels")
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert refusal.value.details() == (
        "alice may not do this: CreateModels takes the permission models.write, which the role modeller has."
    )
    info = error_info(refusal.value)
    assert (info.reason, dict(info.metadata)) == ("CALLER_NOT_PERMITTED", {"permission": "models.write"})


async def test_who_may_not_call_is_told_so_before_the_request_is_looked_at(caller: Caller, server: App):
    call: Any = caller.channel.unary_unary("/twinfront.v1.ModelService/CreateModels")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call(b"\xff", metadata=caller.known_as("alice", "reader").metadata)
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert server.metrics.registry.get_sample_value(
        "twinfront_errors_total", {"reason": "CALLER_NOT_PERMITTED"}
    ) == pytest.approx(1)


async def test_a_method_that_there_is_not_is_not_implemented_for_whoever_is_known(caller: Caller):
    call: Any = caller.channel.unary_unary("/twinfront.v1.ModelService/Burn")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call(b"", metadata=caller.metadata)
    assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_what_became_of_a_write_is_for_its_caller_alone(caller: Caller):
    fields = {"digital_twin_id": "mine", "request_id": "1", "patch": [{"op": 1, "path": "/a"}]}
    alice, bob = caller.known_as("alice", "writer"), caller.known_as("bob", "writer")

    async def replayed(who: Caller) -> bool:
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await who.ask("UpdateDigitalTwin", **fields)
        return ("twinfront-replayed", "true") in tuple(refusal.value.trailing_metadata() or ())

    assert [await replayed(who) for who in (alice, bob, alice, bob)] == [False, False, True, True]
