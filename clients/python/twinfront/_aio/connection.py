"""The stubs on a channel, and the one way through which every call goes."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

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


class AsyncConnection:
    """Sends the calls of the client's methods."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        owns_channel: bool,
        token: str | Callable[[], str | Awaitable[str]] | None,
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

    async def _send(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        call: Call[Request, Response, Result],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> Result:
        """Sends a call and reads its answer; raises a TwinfrontError if it fails."""
        if timeout is None:
            timeout = default_timeout(call.method)
        rpc = method(call.request, timeout=timeout, metadata=await self._with_token(metadata))
        try:
            response = await rpc
        except grpc.aio.AioRpcError as error:
            await self._report(call.method, rpc)
            raise from_rpc_error(error) from error
        await self._report(call.method, rpc)
        return call.result(response)

    async def _stream(
        self,
        method: "grpc.aio.UnaryStreamMultiCallable[Request, Response]",
        call_from: Callable[[str], Call[Request, Response, Result]],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> AsyncGenerator[Result]:
        """Reads a stream to its end; where it breaks, on from the last message."""
        token, failures, is_whole = "", 0, False
        while True:
            call = call_from(token)
            rpc = method(call.request, timeout=timeout, metadata=await self._with_token(metadata))
            try:
                async for response in rpc:
                    begun_from, token = token, resume_token(response)
                    is_whole = not token  # only the last message has none
                    result = call.result(response)
                    if result and token != begun_from:  # what leads nowhere, or to where it began, could go on for ever
                        failures = 0
                    yield result
            except grpc.aio.AioRpcError as error:
                await self._report(call.method, rpc)
                if is_whole:
                    return
                raised = from_rpc_error(error)
                failures += 1
                if not may_resume(raised, failures):
                    raise raised from error
            else:
                await self._report(call.method, rpc)
                return
            finally:
                rpc.cancel()
            await asyncio.sleep(pause(failures))

    async def _converse(
        self,
        method: "grpc.aio.StreamStreamMultiCallable[Request, Response]",
        first: Request,
        messages: AsyncIterator[Request],
        timeout: float | None,
        metadata: CallMetadata,
    ) -> AsyncGenerator[Response]:
        """Sends messages while the answers are read; what the messages' making raises is raised here."""
        failed: list[Exception] = []

        async def sent() -> AsyncIterator[Request]:
            yield first
            try:
                async for message in messages:
                    yield message
            except Exception as error:
                failed.append(error)
                rpc.cancel()
                raise

        rpc = method(sent(), timeout=timeout, metadata=await self._with_token(metadata))
        name = type(first).DESCRIPTOR.name.removesuffix("Request")
        try:
            async for response in rpc:
                yield response
        except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
            if failed:
                raise failed[0] from None
            if isinstance(error, asyncio.CancelledError):
                raise
            await self._report(name, rpc)
            raise from_rpc_error(error) from error
        else:
            await self._report(name, rpc)
        finally:
            rpc.cancel()

    async def _with_token(self, metadata: CallMetadata) -> tuple[tuple[str, str | bytes], ...]:
        if self._token is None:
            return tuple(metadata)
        token = self._token if isinstance(self._token, str) else self._token()
        return (*metadata, bearer(token if isinstance(token, str) else await token))

    async def _report(self, method: str, rpc: grpc.aio.Call) -> None:
        if self._on_call is not None:
            self._on_call(CallInfo.from_trailers(method, await rpc.code(), await rpc.trailing_metadata()))
