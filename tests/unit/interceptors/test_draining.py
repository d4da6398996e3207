"""Calls that come while a server stops."""

import asyncio
from typing import Any, cast

import pytest

from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError
from twinfront_server.interceptors.draining import Draining
from twinfront_server.interceptors.link import Context, Method


async def sent(draining: Draining, service: str = "test.Echo") -> str:
    async def proceed(_call: Call, _request: Any, _context: Context) -> str:
        return "done"

    method = Method(service, "Unary", request_streaming=False, response_streaming=False)
    call = Call(call_id="", method="", deadline=None)
    answer: str = await draining.link(proceed, method)(call, None, cast("Context", None))
    return answer


async def test_calls_are_served_until_the_server_stops():
    draining = Draining()
    assert await sent(draining) == "done"
    assert draining.held == 0


async def test_a_call_that_is_held_is_refused_when_the_clients_know():
    draining = Draining()
    draining.hold()
    calls = [asyncio.create_task(sent(draining)) for _ in range(2)]
    await asyncio.sleep(0)
    assert draining.held == 2
    assert not any(call.done() for call in calls)
    draining.begin()
    for call in calls:
        with pytest.raises(TwinfrontError, match="Nothing was changed"):
            await call


async def test_a_server_that_holds_nothing_first_refuses_at_once():
    draining = Draining()
    draining.begin()
    with pytest.raises(TwinfrontError) as refused:
        await sent(draining)
    assert refused.value.reason == "SERVER_DRAINING"


async def test_health_is_asked_to_the_end():
    draining = Draining()
    draining.begin()
    assert await sent(draining, "grpc.health.v1.Health") == "done"
