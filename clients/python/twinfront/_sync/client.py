# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""The client itself: its connection, and the methods of all services."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc

from twinfront import _channel
from twinfront._call_info import CallInfo
from twinfront._channel import TlsConfig
from twinfront._for_threads import Interceptor, open_channel
from twinfront._sync.changes import ChangeMethods
from twinfront._sync.connection import Connection
from twinfront._sync.digital_twins import DigitalTwinMethods
from twinfront._sync.event_routes import EventRouteMethods
from twinfront._sync.graphs import GraphMethods
from twinfront._sync.jobs import JobMethods
from twinfront._sync.models import ModelMethods
from twinfront._sync.permissions import PermissionMethods
from twinfront._sync.queries import QueryMethods
from twinfront._sync.relationships import RelationshipMethods
from twinfront._sync.telemetry import TelemetryMethods
from twinfront._sync.writes import DigitalTwinWriteMethods


class TwinfrontClient(
    DigitalTwinMethods,
    DigitalTwinWriteMethods,
    RelationshipMethods,
    ModelMethods,
    PermissionMethods,
    QueryMethods,
    TelemetryMethods,
    EventRouteMethods,
    JobMethods,
    GraphMethods,
    ChangeMethods,
):
    """The client for code without asyncio: `with TwinfrontClient("localhost:50051") as client: …`.

    One client is enough for a program. Threads can share it.

    Every method sends one call (lists: one a page) and takes

    - `timeout`: seconds for the call with all its retries. By default what the shipped service config says: 30 for
      reads, 60 for writes, 300 for `create_models`.
    - `metadata`: further request metadata, for example a `twinfront-call-id` to find the call by in the server's
      log.

    It raises a `TwinfrontError` (see `twinfront.errors`) if the call fails. Every call can fail with UnavailableError,
    DeadlineExceededError, ThrottledError, InvalidArgumentError and, where the server asks for a token,
    UnauthenticatedError; the methods name what else is to be expected.

    Until its time is over, a call is sent again

    - that changed nothing, as the error's reason says (SERVER_DRAINING, UPSTREAM_UNAVAILABLE,
      AUTHORIZER_UNAVAILABLE), or because the connection could not be made again;
    - whose answer was lost with its connection, if it is a read or a write with a `request_id`. The client gives every
      write one that can have one. The server knows by it that the write was applied, and a server that does not (after
      a restart, or another one behind the same name) is believed only if it succeeds; a patch that adds elements to an
      array or removes some, and a batch, are not sent again then.

    So a server that stops and starts again is not noticed. One that has never answered fails a call after a second or
    two with UnavailableError, unless `wait_for_ready`.

    Twins and relationships are given as values (`DigitalTwin`, `Relationship`) or as mappings in the JSON form of
    Azure Digital Twins, and patches as a `Patch` or a list of operations. Integers stay integers, and
    times are written as DTDL has them. NaN, infinities, integers beyond 64 bits and what is no JSON value raise
    ValueError or TypeError before anything is sent.

    Args:
        target: Where the server is: `localhost:50051`, `dns:///twins.example.com:443`, `unix:/run/twinfront.sock`.
            The connection is made by the first call.
        tls: Whether to use TLS, or how. Without it only this machine can be connected to, unless `insecure`.
        token: A bearer token, or what returns the current one for each call. It travels
            over TLS; in the clear only on this machine, and with `insecure`.
        insecure: Talk in the clear even to another machine.
        on_call: Called after each attempt at a call, failed or not, with its call id and figures. What it raises, the
            call raises.
        retry: Sends calls again, as said above; without it each is sent once.
        wait_for_ready: Waits for a server that is not there yet, as long as a call may take.
        interceptors: Interceptors of grpc, the outermost first. They see each attempt at a call, with the token in its
            metadata.
        options: gRPC channel arguments (`{"grpc.keepalive_time_ms": 60_000}`); they override the client's own.

    Raises:
        ValueError: Calls or the token would travel in the clear without having been allowed to.
        OSError: A file that `tls` names cannot be read.
    """

    def __init__(
        self,
        target: str,
        *,
        tls: TlsConfig | bool = False,
        token: str | Callable[[], str] | None = None,
        insecure: bool = False,
        on_call: Callable[[CallInfo], None] | None = None,
        retry: bool = True,
        wait_for_ready: bool = False,
        interceptors: Sequence[Interceptor] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        credentials = _channel.channel_credentials(target, tls=tls, has_token=token is not None, insecure=insecure)
        arguments = _channel.channel_options(target, options or {}, tls=tls, retry=retry)
        channel = open_channel(target, credentials, arguments, interceptors)
        super().__init__(
            channel, owns_channel=True, token=token, on_call=on_call, retry=retry, wait_for_ready=wait_for_ready
        )

    @classmethod
    def from_channel(
        cls,
        channel: grpc.Channel,
        *,
        on_call: Callable[[CallInfo], None] | None = None,
        retry: bool = True,
        wait_for_ready: bool = False,
    ) -> Self:
        """Makes a client on a channel of the caller's, with whatever interceptors and credentials that has.

        Closing the client leaves the channel open. The default timeouts are as ever; what the service config has sent
        again is up to the channel.
        """
        client = cls.__new__(cls)
        Connection.__init__(
            client, channel, owns_channel=False, token=None, on_call=on_call, retry=retry, wait_for_ready=wait_for_ready
        )
        return client

    def close(self) -> None:
        """Ends the calls in flight and closes the connection; doing it again is harmless."""
        if self._owns_channel:
            self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
