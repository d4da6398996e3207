"""A policy system is asked about each part of a batch, and of a check of permissions."""

import asyncio
import time
from typing import Any

from google.rpc.code_pb2 import Code

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext

from .front import Front, Serve, reason
from .plant import ROOM, build, twin
from .policy_system import YES, Answer, PolicyServer, hang, no


async def batch_status(front: Front, *writes: dict[str, Any]) -> list[int]:
    answer = await front.caller.ask("BatchWriteDigitalTwins", writes=list(writes))
    return [result.status.code for result in answer.results]


async def denies_twins(asked: AttributeContext) -> Answer:
    """Denies what is about a twin whose id begins with `no`."""
    return no() if asked.context_extensions["digital_twin_id"].startswith("no") else YES


async def test_a_batch_of_reads_names_the_twins_that_the_policy_system_refuses(serve: Serve, system: PolicyServer):
    system.decide = denies_twins
    async with serve() as front:
        await build(front.caller)
        system.asked.clear()
        answer = await front.caller.ask("BatchGetDigitalTwins", digital_twin_ids=["a-room", "no-1", "a-room", "no-1"])
    assert [each.id for each in answer.digital_twins] == ["a-room"]
    assert list(answer.not_permitted_digital_twin_ids) == ["no-1"]
    assert system.paths() == ["GetDigitalTwin", "GetDigitalTwin"]


async def test_a_batch_of_writes_is_asked_about_write_by_write_as_the_rpc_that_it_stands_for(
    serve: Serve, system: PolicyServer
):
    system.decide = denies_twins
    async with serve() as front:
        await build(front.caller)
        system.asked.clear()
        statuses = await batch_status(
            front,
            {"digital_twin_id": "no-1", "create_or_replace": twin("no-1", ROOM)},
            {"digital_twin_id": "new", "create_or_replace": twin("new", ROOM)},
            {"digital_twin_id": "a-room", "merge": {"merge_json": b'{"lit": true}'}},
            {"digital_twin_id": "no-2", "patch": {"operations": []}},
            {"digital_twin_id": "no-3", "delete": {}},
        )
    assert statuses == [Code.PERMISSION_DENIED, Code.OK, Code.OK, Code.PERMISSION_DENIED, Code.PERMISSION_DENIED]
    resources = {each["digital_twin_id"]: each for each in system.resources()}
    assert dict(zip(resources, system.paths(), strict=True)) == {
        "no-1": "CreateOrReplaceDigitalTwin",
        "new": "CreateOrReplaceDigitalTwin",
        "a-room": "MergeDigitalTwin",
        "no-2": "UpdateDigitalTwin",
        "no-3": "DeleteDigitalTwin",
    }
    assert resources["new"]["model_id"] == ROOM


async def test_a_batch_of_a_thousand_is_asked_about_some_at_a_time(serve: Serve, system: PolicyServer):
    async def decide(asked: AttributeContext) -> Answer:
        await asyncio.sleep(0.001)
        return await denies_twins(asked)

    system.decide = decide
    ids = [f"no-{n}" if n % 2 else f"yes-{n}" for n in range(1000)]
    async with serve() as front:
        answer = await front.caller.ask("BatchGetDigitalTwins", digital_twin_ids=ids)
    assert len(answer.not_permitted_digital_twin_ids) == len(answer.missing_digital_twin_ids) == 500
    assert len(system.asked) == 1000
    assert 1 < system.most_at_a_time <= 16


async def test_a_batch_of_writes_says_of_each_that_nobody_decided(serve: Serve, system: PolicyServer):
    await system.kill()
    async with serve() as front:
        statuses = await batch_status(front, *({"digital_twin_id": f"t-{n}", "delete": {}} for n in range(50)))
    assert statuses == [Code.UNAVAILABLE] * 50


async def test_a_batch_is_answered_before_the_deadline_though_the_policy_system_hangs(
    serve: Serve, system: PolicyServer
):
    system.decide = hang
    async with serve(authorize_timeout=0.3, default_deadline=20.0) as front:
        began = time.monotonic()
        statuses = await batch_status(front, *({"digital_twin_id": f"t-{n}", "delete": {}} for n in range(1000)))
        assert time.monotonic() - began < 10
    assert statuses == [Code.UNAVAILABLE] * 1000


async def test_permissions_are_checked_with_the_policy_system(serve: Serve, system: PolicyServer):
    system.decide = denies_twins
    service = "twinfront.v1.DigitalTwinService"
    checks = [
        {"method": f"{service}/GetDigitalTwin", "digital_twin_id": "yes"},
        {"method": f"{service}/GetDigitalTwin", "digital_twin_id": "no-1"},
        {"method": f"{service}/BatchWriteDigitalTwins", "digital_twin_id": "no-2"},
        {"method": f"{service}/BatchGetDigitalTwins", "digital_twin_id": "yes"},
        {"method": "twinfront.v1.PermissionService/CheckPermissions"},
    ]
    async with serve() as front:
        answer = await front.caller.ask("CheckPermissions", checks=checks)
        assert [each.permitted for each in answer.decisions] == [True, False, False, True, True]
        reader = front.caller.known_as("rita", "reader")
        system.asked.clear()
        deletes = [{"method": f"{service}/DeleteDigitalTwin", "digital_twin_id": "yes"}]
        assert not (await reader.ask("CheckPermissions", checks=deletes)).decisions[0].permitted
        assert system.asked == []
        await system.kill()
        assert await reason(reader, "CheckPermissions", checks=[checks[0]]) == "AUTHORIZER_UNAVAILABLE"
