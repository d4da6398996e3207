"""The stubs on a channel, and the one way through which every call goes."""

import time
from collections.abc import Callable, Iterator

import grpc

from twinfront._call_info import CallInfo
from twinfront._calls import Call, CallMetadata, Request, Response, Result
from twinfront._channel import bearer
from twinfront._retry import may_resume, pause, resume_token
from twinfront._service_config import default_timeout
from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceStub
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.job_service_pb2_grpc import JobServiceStub
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceStub


class Connection:
    """Sends the calls of the client's methods."""

    def __init__(
        self,
        channel: grpc.Channel,
        *,
        owns_channel: bool,
        token: str | Callable[[], str] | None,
        on_call: Callable[[CallInfo], None] | None,
    ) -> None:
        self._channel = channel
        self._owns_channel = owns_channel
        self._token = token
        self._on_call = on_call
        self._digital_twin_service = DigitalTwinServiceStub(channel)
        self._relationship_service = RelationshipServiceStub(channel)
        self._model_service = ModelServiceStub(channel)
        self._event_route_service = EventRouteServiceStub(channel)
        self._graph_service = GraphServiceStub(channel)
        self._job_service = JobServiceStub(channel)
        self._query_service = QueryServiceStub(channel)
        self._telemetry_service = TelemetryServiceStub(channel)

    def _send(
        self,
        method: "grpc.UnaryUnaryMultiCallable[Request, Response]",
        call: Call[Request, Response, Result],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> Result:
        """Sends a call and reads its answer; raises a TwinfrontError if it fails."""
        if timeout is None:
            timeout = default_timeout(call.method)
        try:
            response, rpc = method.with_call(call.request, timeout=timeout, metadata=self._with_token(metadata))
        except grpc.RpcError as error:
            self._report(call.method, error)  # type: ignore[arg-type]  # the error of a blocking call is its grpc.Call
            raise from_rpc_error(error) from error
        self._report(call.method, rpc)
        return call.result(response)

    def _stream(
        self,
        method: "grpc.UnaryStreamMultiCallable[Request, Response]",
        call_from: Callable[[str], Call[Request, Response, Result]],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> Iterator[Result]:
        """Reads a stream to its end; where it breaks, on from the last message.

        Args:
            method: the RPC, whose messages have a `resume_token`.
            call_from: makes the call that begins at a token; at the start for none.
            timeout: seconds for each call; None for as long as it takes.
            metadata: further request metadata.
        """
        token, failures, is_whole = "", 0, False
        while True:
            call = call_from(token)
            rpc = method(call.request, timeout=timeout, metadata=self._with_token(metadata))
            try:
                for response in rpc:
                    begun_from, token = token, resume_token(response)
                    is_whole = not token  # only the last message has none
                    result = call.result(response)
                    if result and token != begun_from:  # what leads nowhere, or to where it began, could go on for ever
                        failures = 0
                    yield result
            except grpc.RpcError as error:
                self._report(call.method, rpc)
                if is_whole:
                    return
                raised = from_rpc_error(error)
                failures += 1
                if not may_resume(raised, failures):
                    raise raised from error
            else:
                self._report(call.method, rpc)
                return
            finally:
                rpc.cancel()
            time.sleep(pause(failures))

    def _converse(
        self,
        method: "grpc.StreamStreamMultiCallable[Request, Response]",
        first: Request,
        messages: Iterator[Request],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> Iterator[Response]:
        """Sends messages while the answers are read; what the messages' making raises is raised here."""
        failed: list[Exception] = []

        def sent() -> Iterator[Request]:
            yield first
            try:
                yield from messages
            except Exception as error:
                failed.append(error)
                raise

        rpc = method(sent(), timeout=timeout, metadata=self._with_token(metadata))
        name = type(first).DESCRIPTOR.name.removesuffix("Request")
        try:
            yield from rpc
        except grpc.RpcError as error:
            self._report(name, rpc)
            if failed:
                raise failed[0] from None
            raise from_rpc_error(error) from error
        else:
            self._report(name, rpc)
        finally:
            rpc.cancel()

    def _with_token(self, metadata: CallMetadata) -> tuple[tuple[str, str | bytes], ...]:
        if self._token is None:
            return tuple(metadata)
        token = self._token if isinstance(self._token, str) else self._token()
        return (*metadata, bearer(token))

    def _report(self, method: str, rpc: grpc.Call) -> None:
        if self._on_call is not None:
            self._on_call(CallInfo.from_trailers(method, rpc.code(), rpc.trailing_metadata()))
