"""Decisions of a policy system that are kept for a while, and questions that wait for one answer together."""

import asyncio
import json
from typing import Any

import pytest
from tests.rpc.serving.echo import eventually

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext
from twinfront_server.access.permissions import ROLES

from .front import Serve, reason
from .plant import build
from .policy_system import YES, Answer, PolicyServer, allow, deny


async def test_a_decision_holds_for_the_same_caller_rpc_and_resource(serve: Serve, system: PolicyServer):
    async with serve() as front:
        for _ in range(3):
            await reason(front.caller, "GetDigitalTwin", digital_twin_id="a")
        assert len(system.asked) == 1
        await reason(front.caller, "GetDigitalTwin", digital_twin_id="b")
        await reason(front.caller, "DeleteDigitalTwin", digital_twin_id="a")
        await reason(front.caller.known_as("otto", *ROLES), "GetDigitalTwin", digital_twin_id="a")
        assert len(system.asked) == 4


@pytest.mark.parametrize(("first", "then"), [(allow, deny), (deny, allow)])
async def test_a_decision_that_is_old_gives_way_to_another(serve: Serve, system: PolicyServer, first: Any, then: Any):
    said = {allow: "TWIN_NOT_FOUND", deny: "CALLER_NOT_PERMITTED"}
    system.decide = first
    async with serve(authorize_cache=0.3) as front:
        assert await reason(front.caller, "GetDigitalTwin", digital_twin_id="a") == said[first]
        system.decide = then
        while await reason(front.caller, "GetDigitalTwin", digital_twin_id="a") == said[first]:
            await asyncio.sleep(0.02)
        assert await reason(front.caller, "GetDigitalTwin", digital_twin_id="a") == said[then]
    assert len(system.asked) in {2, 3}


async def test_callers_with_the_same_question_at_the_same_time_ask_once(serve: Serve, system: PolicyServer):
    answered = asyncio.Event()

    async def decide(_asked: AttributeContext) -> Answer:
        await answered.wait()
        return YES

    system.decide = decide
    async with serve(authorize_cache=0.0) as front:
        calls = asyncio.gather(*(reason(front.caller, "GetDigitalTwin", digital_twin_id="a") for _ in range(20)))
        await eventually(lambda: front.in_flight() == 20)
        answered.set()
        assert set(await calls) == {"TWIN_NOT_FOUND"}
    assert len(system.asked) < 5


async def test_a_caller_who_asked_first_may_leave_and_the_others_hear_the_answer(serve: Serve, system: PolicyServer):
    asked, answered = asyncio.Event(), asyncio.Event()

    async def decide(_asked: AttributeContext) -> Answer:
        asked.set()
        await answered.wait()
        return YES

    system.decide = decide
    async with serve() as front:
        first = asyncio.create_task(reason(front.caller, "GetDigitalTwin", digital_twin_id="a"))
        await asked.wait()
        second = asyncio.create_task(reason(front.caller, "GetDigitalTwin", digital_twin_id="a"))
        await eventually(lambda: front.in_flight() == 2)
        first.cancel()
        await eventually(lambda: front.in_flight() == 1)
        answered.set()
        assert await second == "TWIN_NOT_FOUND"
    assert len(system.asked) == 1


async def test_a_repeated_write_is_asked_about_before_its_outcome_is_told(serve: Serve, system: PolicyServer):
    async with serve(authorize_cache=0.0) as front:
        await build(front.caller)
        write = {"digital_twin_id": "a-room", "merge_json": json.dumps({"lit": True}).encode(), "request_id": "once"}
        assert await reason(front.caller, "MergeDigitalTwin", **write) == ""
        system.decide = deny
        assert await reason(front.caller, "MergeDigitalTwin", **write) == "CALLER_NOT_PERMITTED"
