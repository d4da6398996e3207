"""A policy system that fails: calls are refused, soon and without its words, until it decides again."""

import asyncio
import time

import grpc.aio
import pytest
from google.rpc.code_pb2 import Code

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext, CheckResponse, DeniedHttpResponse
from twinfront_server.access.permissions import ROLES

from .caller import error_info
from .front import Raw, Serve, reason, refusal
from .policy_system import Answer, PolicyServer, allow, hang


@pytest.mark.parametrize(
    "answer",
    [
        CheckResponse(),
        CheckResponse(status={"code": Code.OK}, denied_response=DeniedHttpResponse(body="no")),
        CheckResponse(status={"code": Code.INTERNAL, "message": "rego has a fault"}),
        CheckResponse(status={"code": Code.UNAVAILABLE}),
        CheckResponse(status={"code": 99}),
        CheckResponse(status={"code": -1}),
        b"\xff\xff\xff nonsense",
        b"x" * (1 << 20),
    ],
    ids=["no status", "yes and no", "its fault", "its outage", "code 99", "code -1", "no message", "a megabyte"],
)
async def test_an_answer_that_is_no_decision_refuses_the_call_as_unavailable(
    serve: Serve, system: PolicyServer, answer: Answer
):
    async def decide(_asked: AttributeContext) -> Answer:
        return answer

    system.decide = decide
    async with serve() as front:
        for _ in range(2):  # nobody keeps what is no decision
            error = await refusal(front.caller, "GetDigitalTwin", digital_twin_id="a")
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert error_info(error).reason == "AUTHORIZER_UNAVAILABLE"
        assert front.decisions("failed") == 2
    assert len(system.asked) == 2


async def test_a_policy_system_that_hangs_is_waited_for_as_long_as_the_setting_says(serve: Serve, system: PolicyServer):
    system.decide = hang
    async with serve(authorize_timeout=0.2) as front:
        began = time.monotonic()
        assert await reason(front.caller, "ListModels") == "AUTHORIZER_UNAVAILABLE"
        assert 0.15 < time.monotonic() - began < 5


async def test_a_policy_system_that_hangs_is_not_waited_for_beyond_the_deadline_of_the_caller(
    serve: Serve, system: PolicyServer
):
    system.decide = hang
    async with serve(authorize_timeout=60.0) as front:
        call = front.list_models()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(b"", metadata=front.caller.metadata, timeout=0.3)
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_policy_system_that_hangs_holds_up_a_few_calls_and_then_hardly_any(serve: Serve, system: PolicyServer):
    system.decide = hang
    async with serve(authorize_timeout=0.3) as front:
        reasons = await asyncio.gather(
            *(reason(front.caller, "GetDigitalTwin", digital_twin_id=f"t-{n}") for n in range(30))
        )
        assert set(reasons) == {"AUTHORIZER_UNAVAILABLE"}
        before = len(system.asked)
        for n in range(100):
            assert await reason(front.caller, "GetDigitalTwin", digital_twin_id=f"u-{n}") == "AUTHORIZER_UNAVAILABLE"
        assert len(system.asked) - before < 50
        assert front.decisions("failed") == 130
        system.decide = allow
        while await reason(front.caller, "GetDigitalTwin", digital_twin_id="v") == "AUTHORIZER_UNAVAILABLE":
            await asyncio.sleep(0.05)


async def test_a_caller_for_whom_a_policy_system_takes_too_long_is_given_up_alone(serve: Serve, system: PolicyServer):
    async def decide(asked: AttributeContext) -> Answer:
        return await (hang if asked.source.principal == "olga" else allow)(asked)

    system.decide = decide
    async with serve(authorize_timeout=0.3) as front:
        other = front.caller.known_as("otto", *ROLES)
        await asyncio.gather(*(reason(front.caller, "GetDigitalTwin", digital_twin_id=f"t-{n}") for n in range(60)))
        for n in range(30):
            assert await reason(front.caller, "GetDigitalTwin", digital_twin_id=f"u-{n}") == "AUTHORIZER_UNAVAILABLE"
            assert await reason(other, "GetDigitalTwin", digital_twin_id=f"v-{n}") == "TWIN_NOT_FOUND"


async def test_a_policy_system_that_was_killed_is_found_again_and_until_then_all_is_refused(
    serve: Serve, system: PolicyServer
):
    async with serve(authorize_cache=0.0) as front:
        assert await reason(front.caller, "ListModels") == ""
        await system.kill()
        assert await reason(front.caller, "ListModels") == "AUTHORIZER_UNAVAILABLE"
        assert await reason(front.caller, "GetDigitalTwin", digital_twin_id="a") == "AUTHORIZER_UNAVAILABLE"
        await system.start()
        while await reason(front.caller, "ListModels"):
            await asyncio.sleep(0.05)


async def test_health_says_nothing_of_a_policy_system_that_is_gone(serve: Serve, system: PolicyServer):
    async with serve() as front:
        await system.kill()
        assert await reason(front.caller, "ListModels") == "AUTHORIZER_UNAVAILABLE"
        check: Raw = front.caller.channel.unary_unary("/grpc.health.v1.Health/Check")
        assert await check(b"") == b"\x08\x01"


async def test_a_server_starts_without_its_policy_system(serve: Serve, system: PolicyServer):
    await system.kill()
    async with serve() as front:
        assert await reason(front.caller, "ListModels") == "AUTHORIZER_UNAVAILABLE"
        await system.start()
        while await reason(front.caller, "ListModels"):
            await asyncio.sleep(0.05)


async def test_a_fault_of_the_policy_system_is_not_told_to_callers_in_its_words(serve: Serve, system: PolicyServer):
    async def decide(_asked: AttributeContext) -> Answer:
        return CheckResponse(status={"code": Code.INTERNAL, "message": "rule 7 of secret.rego has a fault"})

    system.decide = decide
    async with serve() as front:
        error = await refusal(front.caller, "ListModels")
    assert "secret.rego" not in str(error)
