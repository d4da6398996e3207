"""A policy system is asked about each call (--authorize), and without its yes nothing is done."""

from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.rpc.code_pb2 import Code
from tests.fault.fault_server import fault_server
from tests.rpc.serving.certificates import Authority, Issued

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext
from twinfront_program.startup_error import StartupError

from .caller import error_info, methods, rule_of
from .front import Serve, reason, refusal
from .plant import PUMP, ROOM, twin
from .policy_system import YES, Answer, PolicyServer, deny, no

ASKED_ABOUT = [method for method in methods() if rule_of(method).permission is not None]


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
    async with serve() as front:
        before = front.sent()
        if method.name == "BatchGetDigitalTwins":
            read = await front.caller.call(method, digital_twin_ids=["a"])
            assert read.not_permitted_digital_twin_ids == ["a"]
        elif method.name == "BatchWriteDigitalTwins":
            written = await front.caller.call(method, writes=[{"digital_twin_id": "a", "delete": {}}])
            assert [result.status.code for result in written.results] == [Code.PERMISSION_DENIED]
        else:
            assert await front.caller.reason(method) == "CALLER_NOT_PERMITTED"
        assert front.decisions("denied") == 1
        assert front.sent() == before


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
