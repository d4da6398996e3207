"""A policy system is asked about each call (--authorize), and without its yes nothing is done."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.rpc.code_pb2 import Code
from tests.fault.fault_server import fault_server
from tests.rpc.access.issuer import Issuer
from tests.rpc.serving.certificates import Authority, Issued

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext, CheckResponse, DeniedHttpResponse
from twinfront_program.startup_error import StartupError
from twinfront_server.access.permissions import ROLES
from twinfront_server.access.rules import BY_ITEM
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .caller import Caller, error_info, method_named, methods, rule_of
from .plant import PUMP, ROOM, build, twin
from .policy_system import YES, Answer, PolicyServer, allow, deny, hang, no

ASKED_ABOUT = [method for method in methods() if rule_of(method).permission is not None]
BATCHES = {name.rpartition("/")[2] for name in BY_ITEM}

Raw = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
Serve = Callable[..., AbstractAsyncContextManager["Front"]]


class Front:
    """A server that asks the policy system, and one who may do everything as far as his roles go."""

    def __init__(self, app: App, caller: Caller) -> None:
        self.app = app
        self.caller = caller.known_as("olga", *ROLES)

    def list_models(self) -> "Raw":
        return self.caller.channel.unary_unary("/twinfront.v1.ModelService/ListModels")

    def decisions(self, outcome: str) -> float:
        name = "twinfront_authorizer_decisions_total"
        return self.app.metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0.0


@pytest.fixture
async def system() -> AsyncIterator[PolicyServer]:
    async with PolicyServer() as system:
        yield system


@pytest.fixture
def serve(settings: Settings, issuer: Issuer, system: PolicyServer) -> Serve:
    @asynccontextmanager
    async def served(**fields: Any) -> AsyncIterator[Front]:
        given = {"authorize": system.url, "authorize_timeout": 5.0} | fields
        async with (
            App(settings.changed(**given)) as app,
            grpc.aio.insecure_channel(str(app.address)) as channel,
        ):
            yield Front(app, Caller(channel, issuer))

    return served


async def refusal(who: Caller, name: str, **fields: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await who.ask(name, **fields)
    return raised.value


async def reason(who: Caller, name: str, **fields: Any) -> str:
    return await who.reason(method_named(name), **fields)


async def test_a_policy_system_is_shown_a_call_as_by_envoy_and_its_resource(serve: Serve, system: PolicyServer):
    async with serve() as front:
        await reason(front.caller, "GetComponent", digital_twin_id="room-1", component_name="lamp")
    [asked] = system.asked
    http = asked.request.http
    assert asked.source.principal == "olga"
    assert (http.method, http.path) == ("POST", "/twinfront.v1.DigitalTwinService/GetComponent")
    assert (http.protocol, http.scheme) == ("HTTP/2", "http")
    assert http.headers == {
        ":method": "POST",
        ":path": "/twinfront.v1.DigitalTwinService/GetComponent",
        ":authority": f"localhost:{system.port}",
        "content-type": "application/grpc",
    }
    assert http.id
    assert asked.context_extensions == {
        "principal_source": "jwt",
        "action": "twins.read",
        "resource": "component",
        "digital_twin_id": "room-1",
        "component_name": "lamp",
    }


@pytest.mark.parametrize(
    ("name", "fields", "about"),
    [
        ("GetModel", {"model_id": "dtmi:a;1"}, {"resource": "model", "model_id": "dtmi:a;1"}),
        ("ListModels", {}, {"resource": "model"}),
        ("QueryTwins", {"query": "SELECT * FROM digitaltwins"}, {"resource": "query", "action": "queries.run"}),
        ("StreamQueryTwins", {"query": "SELECT * FROM digitaltwins"}, {"resource": "query"}),
        ("ExportGraph", {}, {"resource": "graph", "action": "graph.export"}),
        ("ImportGraph", {}, {"resource": "graph", "action": "graph.import"}),
        ("GetImportJob", {"job_id": "job-1"}, {"resource": "job", "job_id": "job-1"}),
        ("DeleteEventRoute", {"event_route_id": "r"}, {"resource": "event_route", "event_route_id": "r"}),
        (
            "PublishTelemetry",
            {"digital_twin_id": "r"},
            {"resource": "digital_twin", "action": "telemetry.publish", "digital_twin_id": "r"},
        ),
        (
            "CreateOrReplaceDigitalTwin",
            {"digital_twin_id": "r", "digital_twin": {"model_id": ROOM}},
            {"digital_twin_id": "r", "model_id": ROOM},
        ),
        (
            "CreateOrReplaceDigitalTwin",
            {"digital_twin_id": "r", "digital_twin": twin("r", PUMP)},
            {"digital_twin_id": "r", "model_id": PUMP},
        ),
        (
            "CreateOrReplaceRelationship",
            {"digital_twin_id": "r", "relationship_id": "x", "relationship": {"name": "leads", "target_id": "s"}},
            {"resource": "relationship", "digital_twin_id": "r", "relationship_id": "x", "target_id": "s"},
        ),
        (
            "CreateOrReplaceRelationship",
            {"digital_twin_id": "r", "relationship_id": "x", "relationship": {"json": b'{"$targetId": "s"}'}},
            {"digital_twin_id": "r", "relationship_id": "x", "target_id": "s"},
        ),
    ],
)
async def test_a_policy_system_hears_the_resource_of_a_call(
    serve: Serve, system: PolicyServer, name: str, fields: dict[str, Any], about: dict[str, str]
):
    system.decide = deny
    async with serve() as front:
        assert await reason(front.caller, name, **fields) == "CALLER_NOT_PERMITTED"
    [asked] = system.resources()
    assert asked | about == asked
    assert asked.keys() - about.keys() <= {"principal_source", "resource", "action"}


@pytest.mark.parametrize("method", ASKED_ABOUT, ids=lambda method: method.name)
async def test_no_rpc_is_carried_out_without_the_yes_of_the_policy_system(
    serve: Serve, system: PolicyServer, method: MethodDescriptor
):
    system.decide = deny
    fields: dict[str, Any] = {}
    if method.name == "BatchGetDigitalTwins":
        fields = {"digital_twin_ids": ["a"]}
    elif method.name == "BatchWriteDigitalTwins":
        fields = {"writes": [{"digital_twin_id": "a", "delete": {}}]}
    async with serve() as front:
        if method.name in BATCHES:
            answer = await front.caller.call(method, **fields)
            assert answer.not_permitted_digital_twin_ids if "Get" in method.name else answer.results[0].status.code == 7
        else:
            assert await front.caller.reason(method) == "CALLER_NOT_PERMITTED"
        assert front.decisions("denied") == 1
        spans = front.app.metrics.registry.get_sample_value
        assert not spans("twinfront_upstream_request_seconds_count", {"operation": "get_digital_twin", "outcome": "ok"})


async def test_a_refusal_by_the_policy_system_has_its_words_for_the_caller_and_the_permission(
    serve: Serve, system: PolicyServer
):
    async def decide(_asked: AttributeContext) -> Answer:
        return no("only on weekdays", message="rule 7 of secret.rego")

    system.decide = decide
    async with serve() as front:
        error = await refusal(front.caller, "GetDigitalTwin", digital_twin_id="a")
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert str(error.details()) == "olga may not do this: only on weekdays"
    assert error_info(error).metadata == {"permission": "twins.read"}


@pytest.mark.parametrize(
    "code", [Code.PERMISSION_DENIED, Code.UNAUTHENTICATED, Code.NOT_FOUND, Code.RESOURCE_EXHAUSTED]
)
async def test_a_status_that_says_no_to_a_caller_is_a_refusal_of_any_code(
    serve: Serve, system: PolicyServer, code: int
):
    async def decide(_asked: AttributeContext) -> Answer:
        return no(code=code)

    system.decide = decide
    async with serve() as front:
        assert await reason(front.caller, "GetDigitalTwin", digital_twin_id="a") == "CALLER_NOT_PERMITTED"


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
    async def decide(_asked: AttributeContext) -> Answer:
        await asyncio.sleep(0.2)
        return YES

    system.decide = decide
    async with serve(authorize_cache=0.0) as front:
        calls = [reason(front.caller, "GetDigitalTwin", digital_twin_id="a") for _ in range(20)]
        assert set(await asyncio.gather(*calls)) == {"TWIN_NOT_FOUND"}
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
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.sleep(0.1)
        answered.set()
        assert await second == "TWIN_NOT_FOUND"
    assert len(system.asked) == 1


async def test_roles_refuse_before_a_policy_system_is_asked(serve: Serve, system: PolicyServer):
    async with serve() as front:
        reader = front.caller.known_as("rita", "reader")
        assert await reason(reader, "DeleteDigitalTwin", digital_twin_id="a") == "CALLER_NOT_PERMITTED"
        assert await reason(reader, "GetDigitalTwin", digital_twin_id="a") == "TWIN_NOT_FOUND"
    assert system.paths() == ["GetDigitalTwin"]


async def test_a_request_that_makes_no_sense_is_not_asked_about(serve: Serve, system: PolicyServer):
    async with serve() as front:
        for bad in ("x" * 5000, "a\nb", ".."):
            assert await reason(front.caller, "GetDigitalTwin", digital_twin_id=bad) == "INVALID_ARGUMENT"
        broken = {"digital_twin_id": "a", "digital_twin": {"json": b"{"}}
        assert await reason(front.caller, "CreateOrReplaceDigitalTwin", **broken) == "INVALID_ARGUMENT"
    assert system.asked == []


SAID_TWICE: dict[str, tuple[dict[str, Any], dict[str, str], bytes]] = {
    "CreateOrReplaceDigitalTwin": (
        {"digital_twin": {"json": b'{"$metadata": {"$model": "dtmi:bad;1"}, "$metadata": {"$model": "dtmi:good;1"}}'}},
        {"model_id": "dtmi:good;1"},
        b'{"$metadata":{"$model":"dtmi:good;1"}}',
    ),
    "CreateOrReplaceRelationship": (
        {
            "relationship_id": "r",
            "relationship": {"json": b'{"$relationshipName": "n", "$targetId": "bad", "$targetId": "good"}'},
        },
        {"target_id": "good"},
        b'{"$relationshipName":"n","$targetId":"good"}',
    ),
}


@pytest.mark.parametrize("name", SAID_TWICE)
async def test_what_a_body_says_twice_is_sent_as_the_policy_system_was_asked_about_it(
    serve: Serve, system: PolicyServer, name: str
):
    fields, about, body = SAID_TWICE[name]
    async with (
        fault_server() as upstream,
        serve(upstream=upstream.url, upstream_credential="none", health_interval=3600.0) as front,
    ):
        await reason(front.caller, name, digital_twin_id="a", **fields)
        [asked] = system.resources()
        assert about.items() <= asked.items()
        [sent] = [request.body for request in upstream.requests if request.method == "PUT"]
        assert sent == body


STRANGE = ["ä" * 128, "\U0001f600" * 128, "a/b?c#d%00&e=f", '"; drop', "\u202egnp.", "x" * 2048, " ", "\ud7ff\ue000"]


@pytest.mark.parametrize("strange", STRANGE, ids=range(len(STRANGE)))
async def test_a_policy_system_is_asked_about_an_id_of_strange_characters_as_it_is(
    serve: Serve, system: PolicyServer, strange: str
):
    async with serve() as front:
        for _ in range(2):
            await reason(front.caller, "GetDigitalTwin", digital_twin_id=strange)
    assert [asked["digital_twin_id"] for asked in system.resources()] == [strange]


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


def tls(issued: Issued) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials([(issued.key.read_bytes(), issued.cert.read_bytes())])


async def test_a_policy_system_with_tls_is_asked_if_its_certificate_is_of_the_authority(serve: Serve, tmp_path: Path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    async with PolicyServer(credentials=tls(authority.issue("opa"))) as system:
        for named, said in ((authority, ""), (other, "AUTHORIZER_UNAVAILABLE")):
            async with serve(authorize=system.url, authorize_ca=str(named.cert)) as front:
                assert await reason(front.caller, "ListModels") == said
        assert len(system.asked) == 1


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_server_does_not_start_without_the_authorities_that_are_named(
    serve: Serve, tmp_path: Path, content: bytes | None
):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StartupError, match=f"^--authorize-ca {file}: "):
        async with serve(authorize="grpcs://127.0.0.1:9191", authorize_ca=str(file)):
            pass


async def test_no_metadata_is_shown_to_a_policy_system_unless_it_is_named(serve: Serve, system: PolicyServer):
    async with serve() as front:
        call = front.list_models()
        await call(b"", metadata=(*front.caller.metadata, ("x-tenant", "acme")))
    text = str(system.asked)
    assert "acme" not in text
    assert "Bearer" not in text


async def test_metadata_that_is_named_is_shown_to_a_policy_system_and_decides(serve: Serve, system: PolicyServer):
    async def decide(asked: AttributeContext) -> Answer:
        return YES if asked.request.http.headers.get("x-tenant") == "acme,beta" else no()

    system.decide = decide
    async with serve(authorize_headers="X-Tenant,authorization") as front:
        call = front.list_models()
        token = front.caller.metadata
        await call(b"", metadata=(*token, ("x-tenant", "acme"), ("x-tenant", "beta")))
        with pytest.raises(grpc.aio.AioRpcError):
            await call(b"", metadata=(*token, ("x-tenant", "other")))
        assert system.asked[0].request.http.headers["authorization"] == token[0][1]
        before = len(system.asked)
        await call(b"", metadata=(*token, ("x-tenant", "acme"), ("x-tenant", "beta")))
        assert len(system.asked) == before


async def test_metadata_of_28_kib_is_shown_to_a_policy_system_whole(serve: Serve, system: PolicyServer):
    value = "v" * (28 << 10)
    async with serve(authorize_headers="x-large") as front:
        call = front.list_models()
        await call(b"", metadata=(*front.caller.metadata, ("x-large", value)))
    assert system.asked[0].request.http.headers["x-large"] == value


async def test_a_repeated_write_is_asked_about_before_its_outcome_is_told(serve: Serve, system: PolicyServer):
    async with serve(authorize_cache=0.0) as front:
        await build(front.caller)
        write = {"digital_twin_id": "a-room", "merge_json": json.dumps({"lit": True}).encode(), "request_id": "once"}
        assert await reason(front.caller, "MergeDigitalTwin", **write) == ""
        system.decide = deny
        assert await reason(front.caller, "MergeDigitalTwin", **write) == "CALLER_NOT_PERMITTED"


async def test_a_fault_of_the_policy_system_is_not_told_to_callers_in_its_words(serve: Serve, system: PolicyServer):
    async def decide(_asked: AttributeContext) -> Answer:
        return CheckResponse(status={"code": Code.INTERNAL, "message": "rule 7 of secret.rego has a fault"})

    system.decide = decide
    async with serve() as front:
        error = await refusal(front.caller, "ListModels")
    assert "secret.rego" not in str(error)
