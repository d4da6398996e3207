"""Answers that are not what the service's documentation promises."""

import contextlib
import gzip

import grpc
import grpc.aio
import orjson
import pytest
from google.rpc.error_details_pb2 import RetryInfo

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.representation_pb2 import Representation
from twinfront_server.app import App

from .calls import CREATE_TWIN, GET_TWIN, LIST_RELATIONSHIPS, QUERY, READS, RPCS, UPDATE_TWIN, WRITES, Rpc, refused
from .fault_server import Answer, FaultServer, fault_server

Code = grpc.StatusCode
UNAUTHORIZED = b'{ "statusCode": 401, "message": "Unauthorized" }'
HTML = {"Content-Type": "text/html"}
NO_ANSWERS = [
    Answer(200, b"<html>Sign in</html>", HTML),
    Answer(200, b"{}", {"Content-Type": "text/plain"}),
    *(
        Answer(200, body)
        for body in (b"<html>", b"", b" ", b"\xff\xfe", b'{"value": [', b"[1, 2", b"null", b"5", b"}{")
    ),
    *(Answer(status, b"", {"Location": "https://elsewhere.invalid/"}) for status in (300, 301, 302, 304, 307, 308)),
]
"""Good statuses, and nothing that the service would answer: what a proxy says in its place, or half of what it said."""

UNTOLD = Answer(404)
"""To a read: it is not the service that says so. Nothing is found out by it."""


@pytest.mark.parametrize("rpc", RPCS, ids=str)
@pytest.mark.parametrize(
    "answer", [Answer(401, UNAUTHORIZED), Answer(403, b""), Answer(403, b"<html>")], ids=["401", "403", "403 html"]
)
async def test_a_rejected_credential_is_the_server_s_fault_and_no_secret_leaves(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, answer: Answer
):
    upstream.on(rpc.path, answer)
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == (Code.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED")
    assert "Unauthorized" not in error.message


@pytest.mark.parametrize(
    ("rpc", "answer"),
    [*((rpc, NO_ANSWERS[0]) for rpc in READS), *((GET_TWIN, answer) for answer in NO_ANSWERS)],
    ids=str,
)
async def test_what_cannot_be_read_is_read_again(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, answer: Answer
):
    upstream.on(rpc.path, answer, rpc.succeeds())
    await rpc.call(channel)
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("rpc", READS, ids=str)
@pytest.mark.parametrize("answer", [*NO_ANSWERS[:1], Answer(202, {"value": []}), Answer(200, b'{"a" "b"}')], ids=str)
async def test_what_cannot_be_read_time_and_again_is_unavailability(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, answer: Answer
):
    upstream.on(rpc.path, answer)
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert any(isinstance(detail, RetryInfo) for detail in error.details)


async def test_a_page_for_people_is_not_passed_on_as_json(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET", Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}))
    request = twins.GetDigitalTwinRequest(digital_twin_id="room", representation=Representation.REPRESENTATION_JSON)
    error = await refused(DigitalTwinServiceStub(channel).GetDigitalTwin(request))
    assert error.reason == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize("rpc", WRITES, ids=str)
@pytest.mark.parametrize("answer", [*NO_ANSWERS, Answer(202), Answer(206, {}), Answer(299)], ids=str)
async def test_a_write_that_is_answered_with_what_cannot_be_read_may_have_been_applied(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, answer: Answer
):
    upstream.on("^GET", UNTOLD)
    upstream.on(rpc.path, answer)
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == (Code.UNKNOWN, "OUTCOME_UNKNOWN")
    assert upstream.sent(rpc.method) == 1


@pytest.mark.parametrize(
    "rpc", [rpc for rpc in WRITES if rpc.method in {"PUT", "POST"} and rpc.succeeds().status != 204], ids=str
)
@pytest.mark.parametrize("body", [b"", b"[1]", b"[null]", b'"x"', b'{"id": "job"'])
async def test_a_write_is_answered_with_what_it_made_or_not_at_all(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, body: bytes
):
    upstream.on("^GET", UNTOLD)
    upstream.on(rpc.path, Answer(rpc.succeeds().status if body else 204, body))
    assert (await refused(rpc.call(channel))).reason == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize("rpc", [GET_TWIN, CREATE_TWIN, UPDATE_TWIN, LIST_RELATIONSHIPS], ids=str)
@pytest.mark.parametrize("status", [404, 405, 409, 418, 451])
async def test_a_status_that_no_rule_knows_is_said_to_be_unexpected(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, status: int
):
    upstream.on(rpc.path, Answer(status, b"", {"Location": "https://elsewhere.invalid/"}))
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == (Code.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200, {"$dtId": "room", "$etag": "1"}), "ok"),
        (Answer(200, b"<html>", HTML), "unreadable"),
        (Answer(breaks="before"), "unreachable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_read_is_measured_with_whether_it_could_be_read(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, answer: Answer, outcome: str
):
    upstream.on(GET_TWIN.path, answer)
    with contextlib.suppress(grpc.aio.AioRpcError):
        await GET_TWIN.call(channel)
    labels = {"operation": "get_digital_twin", "outcome": outcome}
    assert server.metrics.registry.get_sample_value("twinfront_upstream_request_seconds_count", labels)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (404, "not_found"),
        (409, "conflict"),
        (412, "conflict"),
        (429, "throttled"),
        (400, "client_error"),
        (499, "client_error"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
async def test_a_request_is_measured_with_what_came_out_of_it(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, status: int, outcome: str
):
    upstream.on(CREATE_TWIN.path, Answer(status, {"error": {"code": "x", "message": "No."}}))
    await refused(CREATE_TWIN.call(channel))
    labels = {"operation": "put_digital_twin", "outcome": outcome}
    assert server.metrics.registry.get_sample_value("twinfront_upstream_request_seconds_count", labels)


@pytest.mark.parametrize("rpc", RPCS, ids=str)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b"[]",
        b"null",
        b'{"error": "text"}',
        b'{"error": {"code": {}, "message": [1], "details": ["x", {"message": 5}]}}',
        orjson.dumps({"title": "One or more validation errors occurred.", "status": 400, "errors": {"[0]": ["x"]}}),
    ],
)
async def test_a_bad_request_in_any_form_is_the_caller_s_and_names_a_field(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, body: bytes
):
    upstream.on(rpc.path, Answer(400, body))
    error = await refused(rpc.call(channel))
    reason = "QUERY_INVALID" if rpc is QUERY else "INVALID_ARGUMENT"
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, reason)
    assert any(detail.DESCRIPTOR.name == "BadRequest" for detail in error.details)


async def test_a_compressed_answer_is_understood(upstream: FaultServer, channel: grpc.aio.Channel):
    body = gzip.compress(orjson.dumps({"$dtId": "room", "note": "x" * 1000}))
    upstream.on("GET", Answer(200, body, {"Content-Encoding": "gzip"}))
    response = await GET_TWIN.call(channel)
    assert response.digital_twin.id == "room"


async def test_an_answer_without_an_etag_has_none(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PATCH", Answer(204))
    assert (await UPDATE_TWIN.call(channel)).etag == ""


async def test_a_list_that_never_ends_ends_at_the_deadline(upstream: FaultServer, channel: grpc.aio.Channel):
    for here, there in (("tic", "tac"), ("tac", "tic"), ("", "tic")):
        upstream.on(f"GET .*{here}", Answer(200, {"value": [], "nextLink": f"{upstream.url}/{there}"}))
    error = await refused(LIST_RELATIONSHIPS.call(channel, timeout=1))
    assert error.code is Code.DEADLINE_EXCEEDED


async def test_a_page_that_leads_to_itself_is_unexpected(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST", Answer(200, {"value": [], "continuationToken": "again"}))
    request = StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins")
    error = await refused(QueryServiceStub(channel).StreamQueryTwins(request).read())
    assert error.reason == "UPSTREAM_ANSWER_UNEXPECTED"
    assert len(upstream.requests) == 2


async def test_a_list_whose_page_leads_to_itself_is_unexpected(upstream: FaultServer, channel: grpc.aio.Channel):
    link = f"{upstream.url}/digitaltwins/floor/relationships?again"
    upstream.on("GET", Answer(200, {"value": [], "nextLink": link}))
    assert (await refused(LIST_RELATIONSHIPS.call(channel))).reason == "UPSTREAM_ANSWER_UNEXPECTED"
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("length", [22_999, 23_000, 5_000_000])
async def test_a_link_is_as_long_as_can_come_back_in_a_page_token(
    upstream: FaultServer, channel: grpc.aio.Channel, length: int
):
    upstream.on("POST", Answer(200, {"value": [{"a": 1}], "continuationToken": "\\" * length}))
    if length >= 23_000:
        assert (await refused(QUERY.having(page_size=1).call(channel))).reason == "UPSTREAM_ANSWER_UNEXPECTED"
        return
    token = (await QUERY.having(page_size=1).call(channel)).next_page_token
    error = await refused(QUERY.having(page_size=1, page_token=token).call(channel))
    assert error.reason == "UPSTREAM_ANSWER_UNEXPECTED", "the token was taken, and the page leads to itself"


@pytest.mark.parametrize("value", ["1000000000", "61", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"])
@pytest.mark.parametrize("status", [429, 503])
async def test_no_call_waits_for_longer_than_a_minute_though_it_has_no_deadline(
    upstream: FaultServer, channel: grpc.aio.Channel, value: str, status: int
):
    upstream.on("", Answer(status, b"", {"Retry-After": value}))
    request = StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins")
    error = await refused(QueryServiceStub(channel).StreamQueryTwins(request).read())
    waits = [detail.retry_delay.seconds for detail in error.details if isinstance(detail, RetryInfo)]
    assert 61 <= waits[0] <= 86_400
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("value", ["-5", "-1e300", "soon", "", "nan", "\udcff", "٣"])
async def test_a_wait_that_is_none_is_not_waited_for(upstream: FaultServer, channel: grpc.aio.Channel, value: str):
    upstream.on("GET", Answer(503, b"", {"Retry-After": value}), GET_TWIN.succeeds())
    await GET_TWIN.call(channel)
    assert len(upstream.requests) == 2


async def test_a_redirect_takes_neither_the_call_nor_its_token_to_another_host(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    async with fault_server() as elsewhere:
        for status in (301, 302, 303, 307, 308):
            upstream.on(f"GET .*{status}", Answer(status, b"", {"Location": elsewhere.url}))
            await refused(GET_TWIN.having(digital_twin_id=f"room-{status}").call(channel))
        assert elsewhere.requests == []
