"""The stubs on a channel, and the one way through which every call goes."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from collections.abc import Awaitable, Callable

import grpc

from twinfront._call_info import CallInfo
from twinfront._calls import Call, CallMetadata, Request, Response, Result
from twinfront._channel import bearer
from twinfront._service_config import default_timeout
from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub


class AsyncConnection:
    """What the client's methods send their calls through."""

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
        return call.read(response)

    async def _with_token(self, metadata: CallMetadata) -> tuple[tuple[str, str | bytes], ...]:
        if self._token is None:
            return tuple(metadata)
        token = self._token if isinstance(self._token, str) else self._token()
        return (*metadata, bearer(token if isinstance(token, str) else await token))

    async def _report(self, method: str, rpc: grpc.aio.Call) -> None:
        if self._on_call is not None:
            self._on_call(CallInfo.from_trailers(method, await rpc.code(), await rpc.trailing_metadata()))
