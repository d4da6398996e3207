"""An import over an upstream that throttles, fails or loses answers: items end on their own, and the stream goes on."""

from typing import Any

import grpc
import grpc.aio
import orjson
import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo
from tests.ports import reserved_port

from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.graph_service_pb2 import GraphItem, ImportGraphRequest, ImportGraphResponse, ImportOptions
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .fault_server import Answer, FaultServer

MODEL = "dtmi:example:Room;1"
CREATED = Answer(200, {"$dtId": "room"}, {"ETag": 'W/"1"'})
THROTTLED = Answer(429, headers={"Retry-After": "0.05"})


def twin(digital_twin_id: str) -> GraphItem:
    return GraphItem(digital_twin=DigitalTwin(id=digital_twin_id, model_id=MODEL))


def model(model_id: str = MODEL) -> GraphItem:
    return GraphItem(dtdl_model=orjson.dumps({"@id": model_id}).decode())


async def imported(channel: grpc.aio.Channel, *items: GraphItem, **options: Any) -> list[ImportGraphResponse]:
    call = GraphServiceStub(channel).ImportGraph(iter([ImportGraphRequest(items=items)]), **options)
    return [message async for message in call]


def outcomes(messages: list[ImportGraphResponse]) -> dict[int, str]:
    """The reason that each item failed for by index; empty for one that did not."""
    found = {}
    for result in (result for message in messages for result in message.results):
        info = ErrorInfo()
        for detail in result.status.details:
            if detail.Is(ErrorInfo.DESCRIPTOR):
                detail.Unpack(info)
        found[result.index] = info.reason
    return dict(sorted(found.items()))


async def test_throttled_items_are_written_in_the_end(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PUT /digitaltwins/a", THROTTLED, THROTTLED, THROTTLED, CREATED)
    upstream.on("PUT", CREATED)
    messages = await imported(channel, twin("a"), twin("b"))
    assert outcomes(messages) == {0: "", 1: ""}
    assert upstream.sent("PUT") == 5


async def test_later_writes_of_a_throttled_twin_wait_for_it(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PUT", THROTTLED, THROTTLED, CREATED)
    first, second = twin("a"), twin("a")
    first.digital_twin.properties["n"].int_value = 1
    second.digital_twin.properties["n"].int_value = 2
    assert outcomes(await imported(channel, first, second)) == {0: "", 1: ""}
    assert [orjson.loads(request.body)["n"] for request in upstream.requests] == [1, 1, 1, 2]


async def test_throttled_models_are_created_in_the_end(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST /models", THROTTLED, Answer(201, [{"id": MODEL}]))
    assert outcomes(await imported(channel, model())) == {0: ""}


async def test_a_throttled_item_fails_when_there_is_no_time_left_for_it(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("PUT /digitaltwins/a", Answer(429, headers={"Retry-After": "600"}))
    upstream.on("PUT", CREATED)
    messages = await imported(channel, twin("a"), twin("b"), timeout=20)
    assert outcomes(messages) == {0: "UPSTREAM_THROTTLED", 1: ""}


async def test_an_item_that_finds_no_upstream_is_tried_again_and_fails(
    upstream: FaultServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("twinfront_server.upstream.pacing.OUTAGE_RETRIES", 1)
    url = f"http://127.0.0.1:{reserved_port()}"  # nobody listens there
    async with (
        App(settings.changed(upstream=url)) as app,
        grpc.aio.insecure_channel(str(app.address)) as channel,
    ):
        messages = await imported(channel, twin("a"), twin("b"))
        attempts = app.metrics.registry.get_sample_value(
            "twinfront_upstream_request_seconds_count", {"operation": "put_digital_twin", "outcome": "unreachable"}
        )
    assert outcomes(messages) == {0: "UPSTREAM_UNAVAILABLE", 1: "UPSTREAM_UNAVAILABLE"}
    assert attempts == 4
    assert upstream.requests == []


async def test_an_item_of_an_upstream_that_takes_no_writes_fails_at_once(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    full = {"localtwins-unchanged": "true", "localtwins-refuses-writes": "true"}
    upstream.on("PUT", Answer(503, {"error": {"code": "ServiceUnavailable", "message": "Disk full."}}, full))
    messages = await imported(channel, twin("a"), twin("b"))
    assert outcomes(messages) == {0: "UPSTREAM_UNAVAILABLE", 1: "UPSTREAM_UNAVAILABLE"}
    assert upstream.sent("PUT") == 2


async def test_a_lost_answer_is_the_item_s_alone(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PUT /digitaltwins/a", Answer(breaks="after"))
    upstream.on("PUT", CREATED)
    upstream.on("GET", Answer(503, headers={"Retry-After": "0"}))
    found = outcomes(await imported(channel, twin("a"), twin("b")))
    assert found == {0: "OUTCOME_UNKNOWN", 1: ""}


async def test_a_rejected_credential_ends_the_stream(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PUT", Answer(403))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await imported(channel, *(twin(f"room-{number}") for number in range(1000)))
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED")
    assert upstream.sent("PUT") < 200


async def test_a_dry_run_on_an_upstream_that_has_none_writes_nothing(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PUT", CREATED)
    request = ImportGraphRequest(options=ImportOptions(validate_only=True), items=[twin("a")])
    call = GraphServiceStub(channel).ImportGraph(iter([request]))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        assert [message async for message in call]
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.UNIMPLEMENTED, "VALIDATE_ONLY_UNSUPPORTED")
    assert upstream.sent("PUT") == 0


async def test_a_refusal_that_names_no_model_is_found_by_halving(upstream: FaultServer, channel: grpc.aio.Channel):
    ids = [f"dtmi:example:M{number};1" for number in range(4)]
    refusal = {"error": {"code": "DTDLParserError", "message": "Something is wrong with one or more models."}}
    refused, created = Answer(400, refusal), Answer(201, [])
    upstream.on("POST /models", refused, created, refused, refused, created)
    messages = await imported(channel, *map(model, ids))
    uploads = [[each["@id"] for each in orjson.loads(request.body)] for request in upstream.requests]
    assert uploads == [ids, ids[:2], ids[2:], ids[2:3], ids[3:]]
    assert outcomes(messages) == {0: "", 1: "", 2: "DTDL_INVALID", 3: ""}


async def test_models_with_an_error_that_is_none_of_theirs_are_not_tried_one_by_one(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("POST /models", Answer(418, b"{}"))
    messages = await imported(channel, *(model(f"dtmi:example:M{number};1") for number in range(50)))
    assert set(outcomes(messages).values()) == {"UPSTREAM_ANSWER_UNEXPECTED"}
    assert upstream.sent("POST") == 1
    assert {result.status.code for message in messages for result in message.results} == {Code.INTERNAL}
