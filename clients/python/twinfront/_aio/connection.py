"""Sends all calls of a client, by the stubs on its channel."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import grpc

from twinfront._attempts import Attempts, shows_a_server
from twinfront._call_info import CallInfo
from twinfront._calls import Call, CallMetadata, Request, Response, Result
from twinfront._channel import bearer
from twinfront._for_asyncio import CallEnded, CallError, Ending, Stop, answer, awaited, sleep
from twinfront._retry import resume_token
from twinfront._service_config import default_timeout
from twinfront.errors import TwinfrontError, ended_early, from_rpc_error
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceStub
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.job_service_pb2_grpc import JobServiceStub
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.permission_service_pb2_grpc import PermissionServiceStub
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceStub


class AsyncConnection:
    """Sends the calls of the client's methods."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        owns_channel: bool,
        token: str | Callable[[], str | Awaitable[str]] | None,
        on_call: Callable[[CallInfo], None] | None,
        retry: bool,
        wait_for_ready: bool,
    ) -> None:
        self._channel = channel
        self._owns_channel = owns_channel
        self._token = token
        self._on_call = on_call
        self._retry = retry
        self._wait_for_ready = wait_for_ready
        self._was_seen = False
        self._digital_twin_service = DigitalTwinServiceStub(channel)
        self._relationship_service = RelationshipServiceStub(channel)
        self._model_service = ModelServiceStub(channel)
        self._event_route_service = EventRouteServiceStub(channel)
        self._graph_service = GraphServiceStub(channel)
        self._job_service = JobServiceStub(channel)
        self._permission_service = PermissionServiceStub(channel)
        self._query_service = QueryServiceStub(channel)
        self._telemetry_service = TelemetryServiceStub(channel)
        self._change_service = ChangeServiceStub(channel)

    async def _send(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        call: Call[Request, Response, Result],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> Result:
        """Sends a call, as often as `Attempts` says, and reads its answer; raises a TwinfrontError if it fails."""
        if timeout is None:
            timeout = default_timeout(call.method)
        attempts = Attempts(call.request, timeout, allowed=self._retry)
        while True:
            how = {
                "timeout": attempts.time_left(),
                "metadata": await self._with_token(metadata),
                "wait_for_ready": self._wait_for_ready,
            }
            try:
                response, rpc = await answer(method, call.request, **how)
            except CallError as error:
                failure, trailers = self._failure(call.method, attempts.number, error), error.trailing_metadata()
            else:
                self._was_seen = True
                await self._report(call.method, attempts.number, rpc)
                return call.result(response)
            await sleep(attempts.pause_after(failure, trailers, was_seen=self._was_seen))

    async def _stream(
        self,
        method: "grpc.aio.UnaryStreamMultiCallable[Request, Response]",
        call_from: Callable[[str], Call[Request, Response, Result]],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> AsyncGenerator[Result]:
        """Reads a stream to its end; where it breaks, on from the last message.

        Args:
            method: the RPC, whose messages have a `resume_token`.
            call_from: makes the call that begins at a token; at the start for none.
            timeout: seconds for all of it; None for as long as it takes.
            metadata: further request metadata.
        """
        token, is_whole = "", False
        attempts = Attempts(None, timeout, allowed=self._retry)
        while True:
            call = call_from(token)
            rpc = method(
                call.request,
                timeout=attempts.time_left(),
                metadata=await self._with_token(metadata),
                wait_for_ready=self._wait_for_ready,
            )
            try:
                async for response in rpc:
                    begun_from, token = token, resume_token(response)
                    self._was_seen, is_whole = True, not token  # only the last message has none
                    result = call.result(response)
                    if result and token != begun_from:  # what leads nowhere, or to where it began, could go on for ever
                        attempts.get_on()
                    yield result
            except CallError as error:
                failure, trailers = self._failure(call.method, attempts.number, error), error.trailing_metadata()
                if is_whole:
                    return
            else:
                await self._report(call.method, attempts.number, rpc)
                return
            finally:
                rpc.cancel()
            await sleep(attempts.pause_after(failure, trailers, was_seen=self._was_seen))

    async def _follow(
        self,
        method: "grpc.aio.UnaryStreamMultiCallable[Request, Response]",
        call_from: Callable[[str], Call[Request, Response, Result]],
        timeout: float | None,
        metadata: CallMetadata,
        stop: Stop,
    ) -> AsyncGenerator[Result]:
        """Reads a stream that has no end: where it breaks, or the server ends it, on from the last message.

        Args:
            method: the RPC, whose messages all have a `resume_token`.
            call_from: makes the call that begins at a token; at the start for none.
            timeout: seconds for all of it; None for as long as it takes.
            metadata: further request metadata.
            stop: ends it.
        """
        token = ""
        attempts = Attempts(None, timeout, allowed=self._retry)
        while not stop.is_set():
            call, gets_on = call_from(token), False
            rpc = method(
                call.request,
                timeout=attempts.time_left(),
                metadata=await self._with_token(metadata),
                wait_for_ready=self._wait_for_ready,
            )
            stop.holds(rpc)
            try:
                async for response in rpc:
                    begun_from, token = token, resume_token(response)
                    self._was_seen = True
                    result = call.result(response)
                    if token != begun_from:
                        gets_on = True
                        attempts.get_on()
                    yield result
            except CallEnded:
                if stop.is_set():
                    return
                raise
            except CallError as error:
                if stop.is_set():
                    return
                failure, trailers = self._failure(call.method, attempts.number, error), error.trailing_metadata()
            else:
                await self._report(call.method, attempts.number, rpc)
                if not self._retry:
                    return
                if gets_on:
                    continue
                failure, trailers = ended_early(call.method), ()
            finally:
                rpc.cancel()
            await stop.wait(attempts.pause_after(failure, trailers, was_seen=self._was_seen))

    async def _converse(
        self,
        method: "grpc.aio.StreamStreamMultiCallable[Request, Response]",
        begin: Callable[[], tuple[Request, AsyncIterator[Request]]],
        gets_on: Callable[[Response], bool],
        timeout: float | None,
        metadata: CallMetadata,
        *,
        can_begin_anew: bool,
    ) -> AsyncGenerator[Response]:
        """Sends messages while the answers are read, and begins anew where that breaks.

        What the messages' making raises is raised here.

        Args:
            method: the RPC.
            begin: makes the first message, and the others; each time from where the last conversation broke.
            gets_on: notes an answer, and tells whether it gets further than all before it.
            timeout: seconds for all of it; None for as long as it takes.
            metadata: further request metadata.
            can_begin_anew: tells whether there is a second beginning.
        """
        attempts = Attempts(None, timeout, allowed=self._retry and can_begin_anew)
        while True:
            first, others = begin()
            name = type(first).DESCRIPTOR.name.removesuffix("Request")
            failed: list[Exception] = []
            rpc = method(
                _sent(first, others, failed),
                timeout=attempts.time_left(),
                metadata=await self._with_token(metadata),
                wait_for_ready=self._wait_for_ready,
            )
            ending = Ending(rpc)
            try:
                async for response in rpc:
                    self._was_seen = True
                    if gets_on(response):
                        attempts.get_on()
                    yield response
            except CallEnded:
                if failed:
                    raise failed[0] from None
                raise
            except CallError as error:
                if failed:
                    raise failed[0] from None
                meant = ending.true(error)
                failure, trailers = self._failure(name, attempts.number, meant), meant.trailing_metadata()
                if meant.code() is grpc.StatusCode.OK:
                    return
            else:
                await self._report(name, attempts.number, rpc)
                return
            finally:
                rpc.cancel()
            await sleep(attempts.pause_after(failure, trailers, was_seen=self._was_seen))

    async def _with_token(self, metadata: CallMetadata) -> tuple[tuple[str, str | bytes], ...]:
        if self._token is None:
            return tuple(metadata)
        token = self._token if isinstance(self._token, str) else await awaited(self._token())
        return (*metadata, bearer(token))

    async def _report(self, method: str, attempt: int, rpc: grpc.aio.Call) -> None:
        """Tells the caller the figures of an attempt that succeeded."""
        if self._on_call is not None:
            self._on_call(
                CallInfo.from_trailers(method, await rpc.code(), await rpc.trailing_metadata(), attempt=attempt)
            )

    def _failure(self, method: str, attempt: int, error: CallError) -> TwinfrontError:
        """Tells the caller the figures of an attempt that failed, and makes its error."""
        if self._on_call is not None:
            self._on_call(CallInfo.from_trailers(method, error.code(), error.trailing_metadata(), attempt=attempt))
        failure = from_rpc_error(error)
        self._was_seen = self._was_seen or shows_a_server(failure)
        return failure


async def _sent(first: Request, others: AsyncIterator[Request], failed: list[Exception]) -> AsyncIterator[Request]:
    """Gives the messages of a conversation; notes what their making raises, which ends the call."""
    yield first
    try:
        async for message in others:
            yield message
    except Exception as error:
        failed.append(error)
        raise
