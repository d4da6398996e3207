"""A status from the wire becomes the exception of its reason, or of its code."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo

import twinfront
from twinfront import AsyncTwinfrontClient, TwinfrontError
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest, GetDigitalTwinResponse
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.error_details_pb2 import EtagConflict
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub

from .awaited import Connect
from .scripted_server import ScriptedServer, failing

Code = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (Code.NOT_FOUND, "TWIN_NOT_FOUND", twinfront.TwinNotFoundError),
        (Code.NOT_FOUND, "RELATIONSHIP_NOT_FOUND", twinfront.RelationshipNotFoundError),
        (Code.NOT_FOUND, "COMPONENT_NOT_FOUND", twinfront.ComponentNotFoundError),
        (Code.NOT_FOUND, "MODEL_NOT_FOUND", twinfront.ModelNotFoundError),
        (Code.NOT_FOUND, "JOB_NOT_FOUND", twinfront.JobNotFoundError),
        (Code.ALREADY_EXISTS, "TWIN_ALREADY_EXISTS", twinfront.AlreadyExistsError),
        (Code.ALREADY_EXISTS, "MODEL_ALREADY_EXISTS", twinfront.AlreadyExistsError),
        (Code.ABORTED, "ETAG_MISMATCH", twinfront.EtagMismatchError),
        (Code.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS", twinfront.TwinHasRelationshipsError),
        (Code.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND", twinfront.TargetTwinNotFoundError),
        (Code.FAILED_PRECONDITION, "MODEL_HAS_DEPENDENTS", twinfront.ModelHasDependentsError),
        (Code.FAILED_PRECONDITION, "MODEL_DECOMMISSIONED", twinfront.ModelDecommissionedError),
        (Code.INVALID_ARGUMENT, "VALIDATION_FAILED", twinfront.ValidationFailedError),
        (Code.INVALID_ARGUMENT, "JSON_PATCH_INVALID", twinfront.JsonPatchInvalidError),
        (Code.INVALID_ARGUMENT, "DTDL_INVALID", twinfront.DtdlInvalidError),
        (Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", twinfront.PageTokenInvalidError),
        (Code.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID", twinfront.ResumeTokenInvalidError),
        (Code.OUT_OF_RANGE, "CHANGES_EXPIRED", twinfront.ChangesExpiredError),
        (Code.UNIMPLEMENTED, "CHANGES_UNSUPPORTED", twinfront.ChangesUnsupportedError),
        (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", twinfront.InvalidArgumentError),
        (Code.UNKNOWN, "OUTCOME_UNKNOWN", twinfront.OutcomeUnknownError),
        (Code.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED", TwinfrontError),
        # Of the class of the code: a reason of a later version, and no reason at all.
        (Code.FAILED_PRECONDITION, "MOON_NOT_FULL", twinfront.FailedPreconditionError),
        (Code.NOT_FOUND, "", twinfront.NotFoundError),
        (Code.ALREADY_EXISTS, "", twinfront.AlreadyExistsError),
        (Code.ABORTED, "", twinfront.AbortedError),
        (Code.FAILED_PRECONDITION, "", twinfront.FailedPreconditionError),
        (Code.INVALID_ARGUMENT, "", twinfront.InvalidArgumentError),
        (Code.DEADLINE_EXCEEDED, "", twinfront.DeadlineExceededError),
        (Code.UNAUTHENTICATED, "", twinfront.UnauthenticatedError),
        (Code.PERMISSION_DENIED, "", twinfront.PermissionDeniedError),
        (Code.DATA_LOSS, "", TwinfrontError),
        # A reason of another code says nothing about this one: something on the way has made another error of it.
        (Code.NOT_FOUND, "ETAG_MISMATCH", twinfront.NotFoundError),
        (Code.FAILED_PRECONDITION, "ETAG_MISMATCH", twinfront.FailedPreconditionError),
        (Code.ABORTED, "TWIN_NOT_FOUND", twinfront.AbortedError),
        (Code.INTERNAL, "OUTCOME_UNKNOWN", TwinfrontError),
        (Code.UNKNOWN, "VALIDATE_ONLY_UNSUPPORTED", TwinfrontError),
        (Code.DATA_LOSS, "ETAG_MISMATCH", TwinfrontError),
    ],
)
async def test_the_class_follows_the_reason_and_else_the_code(
    scripted: ScriptedServer,
    scripted_client: AsyncTwinfrontClient,
    code: grpc.StatusCode,
    reason: str,
    kind: type[TwinfrontError],
) -> None:
    scripted.answers["DeleteDigitalTwin"] = failing(code, reason, "As it happens.")
    with pytest.raises(TwinfrontError) as caught:
        await scripted_client.delete_digital_twin("room-1")
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.reason) == (code, reason)
    assert (caught.value.message, caught.value.call_id) == ("As it happens.", "call-7")


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED", twinfront.ThrottledError),
        (Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED", twinfront.LimitReachedError),
        (Code.RESOURCE_EXHAUSTED, "", twinfront.ResourceExhaustedError),
        (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE", twinfront.UnavailableError),
    ],
)
async def test_the_class_of_what_is_retried(
    scripted: ScriptedServer,
    connect: Connect,
    code: grpc.StatusCode,
    reason: str,
    kind: type[TwinfrontError],
) -> None:
    retry_info = RetryInfo(retry_delay=Duration(seconds=2))
    scripted.answers["CreateModels"] = failing(
        code, reason, "Not now.", retry_info, trailers=(("grpc-retry-pushback-ms", "-1"),)
    )
    with pytest.raises(kind) as caught:
        await connect(scripted.target, retry=False).create_models([])
    assert type(caught.value) is kind
    if isinstance(caught.value, twinfront.ThrottledError | twinfront.UnavailableError):
        assert caught.value.retry_after == timedelta(seconds=2)


async def test_an_etag_mismatch_has_both_etags(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> None:
    conflict = EtagConflict(resource="digitaltwins/room-1", expected_etag='W/"1"', current_etag='W/"2"')
    scripted.answers["UpdateDigitalTwin"] = failing(
        Code.ABORTED, "ETAG_MISMATCH", "Too late.", conflict, metadata={"digital_twin_id": "room-1"}
    )
    with pytest.raises(twinfront.EtagMismatchError) as caught:
        await scripted_client.update_digital_twin("room-1", [], if_match='W/"1"')
    error = caught.value
    assert (error.resource, error.expected_etag, error.current_etag) == ("digitaltwins/room-1", 'W/"1"', 'W/"2"')
    assert error.metadata == {"digital_twin_id": "room-1"}
    assert isinstance(error.__cause__, grpc.RpcError)


async def test_the_details_are_decoded_and_those_of_an_unknown_type_kept(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    resource = ResourceInfo(resource_type="digital twin", resource_name="room-1")
    scripted.answers["GetDigitalTwin"] = failing(
        Code.NOT_FOUND, "TWIN_NOT_FOUND", "No twin.", resource, GetDigitalTwinRequest(digital_twin_id="x")
    )
    with pytest.raises(twinfront.TwinNotFoundError) as caught:
        await scripted_client.get_digital_twin("room-1")
    info, known, unknown = caught.value.details
    assert isinstance(info, ErrorInfo)
    assert known == resource
    assert unknown.DESCRIPTOR.full_name == "google.protobuf.Any"
    assert caught.value.detail(ResourceInfo) == resource
    assert caught.value.detail(BadRequest) is None


async def test_the_reasons_of_another_domain_do_not_count(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    foreign = ErrorInfo(domain="proxy.example.com", reason="TWIN_NOT_FOUND")
    scripted.answers["GetDigitalTwin"] = failing(Code.NOT_FOUND, "", "No route.", foreign)
    with pytest.raises(twinfront.NotFoundError) as caught:
        await scripted_client.get_digital_twin("room-1")
    assert type(caught.value) is twinfront.NotFoundError
    assert caught.value.reason == ""


@pytest.mark.parametrize("details", [b"\xff\xff", b"\x08\x05"], ids=["malformed", "of another code"])
async def test_details_that_make_no_sense_are_left_out(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, details: bytes
) -> None:
    def answer(_request: Any, context: grpc.ServicerContext) -> Message:
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(Code.ABORTED, "Too late.")
        raise AssertionError

    scripted.answers["UpdateDigitalTwin"] = answer
    with pytest.raises(twinfront.AbortedError) as caught:
        await scripted_client.update_digital_twin("room-1", [])
    assert (caught.value.message, caught.value.details) == ("Too late.", ())


async def test_a_method_that_an_older_server_does_not_have(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    assert scripted.answers == {}
    with pytest.raises(TwinfrontError, match=r"\[UNIMPLEMENTED\] No answer for DeleteModel\.") as caught:
        await scripted_client.delete_model("dtmi:example:Room;1")
    assert type(caught.value) is TwinfrontError


def test_the_errors_of_plain_stubs_become_the_same(scripted: ScriptedServer) -> None:
    scripted.answers["GetDigitalTwin"] = failing(Code.NOT_FOUND, "TWIN_NOT_FOUND", "No twin.")
    with grpc.insecure_channel(scripted.target) as channel, pytest.raises(grpc.RpcError) as caught:
        DigitalTwinServiceStub(channel).GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id="room-1"))
    assert type(twinfront.from_rpc_error(caught.value)) is twinfront.TwinNotFoundError


async def test_a_call_that_the_server_ended_found_it_unavailable(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["DeleteDigitalTwin"] = failing(Code.CANCELLED, "", "CANCELLED")
    with pytest.raises(twinfront.UnavailableError, match="ended the call without an answer") as caught:
        await scripted_client.delete_digital_twin("room-1")
    assert (caught.value.code, caught.value.reason) == (Code.UNAVAILABLE, "")


@pytest.mark.parametrize("end", ["call", "channel"])
def test_a_call_that_was_ended_here_is_cancelled(scripted: ScriptedServer, end: str) -> None:
    started, release = threading.Event(), threading.Event()

    def slow(_request: Any, _context: grpc.ServicerContext) -> Iterator[Message]:
        started.set()
        release.wait(30)
        yield from ()

    scripted.answers["StreamQueryTwins"] = slow
    with grpc.insecure_channel(scripted.target) as channel:
        stream = QueryServiceStub(channel).StreamQueryTwins(StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins"))
        assert started.wait(30)
        stream.cancel() if end == "call" else channel.close()
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
    release.set()
    assert type(twinfront.from_rpc_error(caught.value)) is twinfront.CallCancelledError


async def test_an_asynchronous_call_that_was_ended_here_is_cancelled(scripted: ScriptedServer) -> None:
    started, release = threading.Event(), threading.Event()

    def slow(_request: Any, _context: grpc.ServicerContext) -> Message:
        started.set()
        release.wait(30)
        return GetDigitalTwinResponse()

    scripted.answers["GetDigitalTwin"] = slow
    async with grpc.aio.insecure_channel(scripted.target) as channel:
        call = DigitalTwinServiceStub(channel).GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id="room-1"))
        sending = asyncio.ensure_future(call.code())
        assert await asyncio.to_thread(started.wait, 30)
        call.cancel()
        await sending
        with pytest.raises(asyncio.CancelledError):
            await call
        error = grpc.aio.AioRpcError(
            await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        )
    release.set()
    assert type(twinfront.from_rpc_error(error)) is twinfront.CallCancelledError
