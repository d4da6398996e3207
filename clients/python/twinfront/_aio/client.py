"""The client itself: its connection, and the methods of all services."""

from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

import grpc

from twinfront import _channel
from twinfront._aio.connection import AsyncConnection
from twinfront._aio.digital_twins import AsyncDigitalTwinMethods
from twinfront._aio.event_routes import AsyncEventRouteMethods
from twinfront._aio.graphs import AsyncGraphMethods
from twinfront._aio.jobs import AsyncJobMethods
from twinfront._aio.models import AsyncModelMethods
from twinfront._aio.queries import AsyncQueryMethods
from twinfront._aio.relationships import AsyncRelationshipMethods
from twinfront._aio.telemetry import AsyncTelemetryMethods
from twinfront._aio.writes import AsyncDigitalTwinWriteMethods
from twinfront._call_info import CallInfo
from twinfront._channel import TlsConfig


class AsyncTwinfrontClient(
    AsyncDigitalTwinMethods,
    AsyncDigitalTwinWriteMethods,
    AsyncRelationshipMethods,
    AsyncModelMethods,
    AsyncQueryMethods,
    AsyncTelemetryMethods,
    AsyncEventRouteMethods,
    AsyncJobMethods,
    AsyncGraphMethods,
):
    """The client for asyncio: `async with AsyncTwinfrontClient("localhost:50051") as client: …`.

    Methods, arguments, results and errors are those of `TwinfrontClient`, where they are described. The methods are
    coroutines, lists are read with `async for`, and `token` and the change of `update_with_retry` may be coroutine
    functions. Cancelling the task that awaits a call cancels the call.

    A client belongs to the event loop in which it is made; one is enough for a program.
    """

    def __init__(
        self,
        target: str,
        *,
        tls: TlsConfig | bool = False,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        insecure: bool = False,
        on_call: Callable[[CallInfo], None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        credentials = _channel.channel_credentials(target, tls=tls, has_token=token is not None, insecure=insecure)
        arguments = _channel.channel_options(target, options or {}, tls=tls)
        if credentials is None:
            channel = grpc.aio.insecure_channel(target, arguments)
        else:
            channel = grpc.aio.secure_channel(target, credentials, arguments)
        super().__init__(channel, owns_channel=True, token=token, on_call=on_call)

    @classmethod
    def from_channel(cls, channel: grpc.aio.Channel, *, on_call: Callable[[CallInfo], None] | None = None) -> Self:
        """A client on a channel of the caller's, with whatever interceptors and credentials that has."""
        client = cls.__new__(cls)
        AsyncConnection.__init__(client, channel, owns_channel=False, token=None, on_call=on_call)
        return client

    async def close(self) -> None:
        """Ends the calls in flight and closes the connection; doing it again is harmless."""
        if self._owns_channel:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
