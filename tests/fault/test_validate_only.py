"""Dry runs over an upstream that cannot carry them out, and over one that only seems to."""

from dataclasses import replace

import grpc
import grpc.aio
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub

from .calls import CREATE_TWIN, DELETE_TWIN, ETAG, GET_TWIN, MODEL, UPDATE_TWIN, WRITES, Rpc, refused
from .fault_server import Answer, FaultServer

REQUEST_HEADER = "localtwins-validate-only"
HONOURED = {"localtwins-validated-only": "true"}
GRAPH_WRITES = [rpc for rpc in WRITES if "validate_only" in rpc.request.DESCRIPTOR.fields_by_name]
"""Those of twins, relationships and models: routes, jobs and telemetry are not part of the graph."""
DRY_WRITES = [rpc.having(validate_only=True) for rpc in GRAPH_WRITES]
DRY_UPDATE = UPDATE_TWIN.having(validate_only=True)
COMPOSED = [
    CREATE_TWIN.having(validate_only=True, if_none_match="", if_match=ETAG),
    DELETE_TWIN.having(validate_only=True, relationships=twins.RELATIONSHIPS_DETACH),
    Rpc(
        DigitalTwinServiceStub,
        "MergeDigitalTwin",
        "PATCH",
        "/digitaltwins/room",
        twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=b'{"temperature": 1}', validate_only=True),
    ),
    Rpc(
        DigitalTwinServiceStub,
        "BatchWriteDigitalTwins",
        "DELETE",
        "/digitaltwins/room",
        twins.BatchWriteDigitalTwinsRequest(
            writes=[twins.DigitalTwinWrite(digital_twin_id="room", delete=twins.DigitalTwinWrite.Delete())],
            validate_only=True,
        ),
    ),
]
"""Writes that begin with reads, or have their errors in a response."""
NO_MODEL = Answer(404, {"error": {"code": "ModelNotFound", "message": f"No {MODEL}."}})


@pytest.mark.parametrize("rpc", [*DRY_WRITES, *COMPOSED], ids=str)
async def test_where_the_upstream_knows_no_dry_runs_nothing_is_sent(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
):
    upstream.on("", rpc.succeeds())
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == (grpc.StatusCode.UNIMPLEMENTED, "VALIDATE_ONLY_UNSUPPORTED")
    assert upstream.requests == []


async def test_the_upstream_is_asked_once(upstream: FaultServer, channel: grpc.aio.Channel):
    before = upstream.probes
    for _ in range(3):
        await refused(DRY_UPDATE.call(channel))
    assert upstream.probes == before + 1


@pytest.mark.parametrize("answer", [Answer(503), Answer(401), Answer(404, b"<html>"), Answer(429)])
async def test_an_upstream_that_cannot_be_asked_is_asked_again(
    upstream: FaultServer, channel: grpc.aio.Channel, answer: Answer
):
    good_probe, upstream.probe = upstream.probe, answer
    error = await refused(DRY_UPDATE.call(channel))
    assert error.reason != "VALIDATE_ONLY_UNSUPPORTED"
    assert upstream.requests == []
    upstream.probe = replace(good_probe, headers=HONOURED)
    upstream.on("PATCH", Answer(204, headers=HONOURED))
    await DRY_UPDATE.call(channel)


class TestWhereTheUpstreamKnowsDryRuns:
    @pytest.fixture(autouse=True)
    def probe(self, upstream: FaultServer) -> None:
        upstream.probe = replace(upstream.probe, headers=HONOURED)

    @pytest.mark.parametrize("rpc", DRY_WRITES, ids=str)
    async def test_each_write_of_a_dry_run_is_sent_as_a_dry_run(
        self, upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
    ):
        upstream.on("", rpc.succeeds(**HONOURED))
        await rpc.call(channel)
        assert [(request.method, request.headers[REQUEST_HEADER]) for request in upstream.requests] == [
            (rpc.method, "true")
        ]

    @pytest.mark.parametrize("rpc", [*WRITES, GET_TWIN], ids=str)
    async def test_calls_that_are_no_dry_runs_are_sent_as_usual(
        self, upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
    ):
        upstream.on("GET", Answer(200, {"$dtId": "room"}))
        upstream.on("PATCH", Answer(204, headers=HONOURED))
        upstream.on("", rpc.succeeds())
        await DRY_UPDATE.call(channel)
        upstream.requests.clear()
        await rpc.call(channel)
        assert not any(REQUEST_HEADER in request.headers for request in upstream.requests)

    @pytest.mark.parametrize("rpc", DRY_WRITES, ids=str)
    async def test_an_answer_that_does_not_say_that_it_is_of_a_dry_run_is_not_believed(
        self, upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
    ):
        upstream.on("", rpc.succeeds())
        error = await refused(rpc.call(channel))
        assert (error.code, error.reason) == (grpc.StatusCode.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED")
        assert "may have been done" in error.message

    async def test_the_log_says_that_a_dry_run_may_have_been_applied(
        self, upstream: FaultServer, channel: grpc.aio.Channel, capsys: pytest.CaptureFixture[str]
    ):
        upstream.on("PATCH", Answer(204))
        await refused(DRY_UPDATE.call(channel))
        (line,) = (line for line in capsys.readouterr().out.splitlines() if "UPSTREAM_ANSWER_UNEXPECTED" in line)
        assert "error" in line
        assert "patch_digital_twin: the upstream took a dry run for a real request, and may have written" in line

    async def test_nothing_is_sent_to_an_upstream_that_ignored_a_dry_run_before_it_is_asked_anew(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("PATCH", Answer(204))
        await refused(DRY_UPDATE.call(channel))
        upstream.probe = NO_MODEL
        assert (await refused(DRY_UPDATE.call(channel))).reason == "VALIDATE_ONLY_UNSUPPORTED"
        assert upstream.sent("PATCH") == 1

    async def test_a_refusal_is_passed_on_whoever_refused(self, upstream: FaultServer, channel: grpc.aio.Channel):
        upstream.on("PATCH", Answer(429))
        assert (await refused(DRY_UPDATE.call(channel))).reason == "UPSTREAM_THROTTLED"

    async def test_a_redirect_is_no_sign_that_a_dry_run_was_carried_out(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("PATCH", Answer(300))
        assert (await refused(DRY_UPDATE.call(channel))).reason == "UPSTREAM_UNAVAILABLE"

    @pytest.mark.parametrize("lost", [Answer(503, headers=HONOURED), Answer(breaks="after")], ids=["503", "reset"])
    @pytest.mark.parametrize("rpc", DRY_WRITES, ids=str)
    async def test_a_lost_answer_is_asked_for_again_since_nothing_was_done(
        self, upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, lost: Answer
    ):
        upstream.on("", lost, rpc.succeeds(**HONOURED))
        await rpc.call(channel)
        assert [request.headers[REQUEST_HEADER] for request in upstream.requests] == ["true", "true"]

    async def test_a_dry_run_whose_answers_are_all_lost_finds_the_upstream_unavailable(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("PATCH", Answer(503, headers=HONOURED))
        error = await refused(DRY_UPDATE.call(channel))
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
