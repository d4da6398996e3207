"""The gRPC server: its options, and where it listens."""

import logging
import socket
from typing import Final, cast

import grpc
import grpc.aio

from twinfront_program.address import Address, Place, UnixSocket, parse_place
from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError
from twinfront_server import unix_socket
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings

MAX_PENDING_CALLS: Final = 6000
"""Calls that may wait for the event loop in one queue: those of sixty connections with as many as they may have.

The event loop gets through so many in some two seconds. Each takes 17 KB, those that their callers have given up
included until the event loop has seen them; so this is also what bounds the memory that a flood of calls, cancelled as
soon as they are sent, can take.
"""

OPTIONS: Final = (
    # Two servers on one port would answer for each other.
    ("grpc.so_reuseport", 0),
    # Clients may ping every 30 s, calls or none; without these they would be sent away for "too many pings".
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.http2.max_ping_strikes", 2),
    # A peer that is gone without a word is noticed within 80 s.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Calls beyond the streams of a connection wait at the client. It counts those that it has no answer to; grpc would
    # count those that this side has not yet cleared away too, of which the client knows nothing, and turn its next
    # calls away with a RST_STREAM: untyped, unseen by metrics, and up to half of them in a burst.
    ("grpc.http.overload_protection", 0),
    # Calls of a burst wait for the event loop. Beyond these numbers grpc cuts calls off at random, and beyond the
    # second all of them: callers see CANCELLED, and neither log nor metrics know. Its own are 1000 and 3000.
    ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
    ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING_CALLS),
)


def _tells_no_header(record: logging.LogRecord) -> bool:
    """Tells whether a line of grpc's is not one with the value of a header, which may be a caller's token.

    It has one, and a traceback, for every value that is no UTF-8; such a call has its own line in the access log.
    """
    return record.exc_info is None or not isinstance(record.exc_info[1], UnicodeDecodeError)


logging.getLogger("grpc._cython.cygrpc").addFilter(_tells_no_header)


NATIVE_PACKAGE: Final = "pygrpc-native"
NATIVE_VERSION: Final = "0.5.0"
"""The engine of `--engine native`, in the only version that is known: its inner names are leant on."""


def require_engine(settings: Settings) -> None:
    """Checks that the engine that is chosen is installed.

    Raises:
        StartupError: it is not, or not in the version that is known.
    """
    if settings.engine == "grpcio":
        return
    from importlib import metadata  # noqa: PLC0415  (loads slowly, and grpcio is there in any case)

    install = "pip install 'twinfront[native]'"
    try:
        found = metadata.version(NATIVE_PACKAGE)
    except metadata.PackageNotFoundError:
        raise StartupError(f"--engine native is not installed: {install}") from None
    if found != NATIVE_VERSION:
        raise StartupError(
            f"--engine native takes {NATIVE_PACKAGE} {NATIVE_VERSION} alone, and {found} is installed: {install}"
        )


def create_server(settings: Settings, interceptor: grpc.aio.ServerInterceptor) -> grpc.aio.Server:
    """Makes a server without services and ports, of the engine that is chosen.

    Raises:
        StartupError: if that engine is not installed.
    """
    options = (
        *OPTIONS,
        ("grpc.max_receive_message_length", settings.max_request_bytes),
        ("grpc.max_send_message_length", settings.max_response_bytes),
        ("grpc.max_concurrent_streams", settings.max_calls_per_connection),
        # Between these two grpc refuses at random, so that a client notices in time; with one number for both a call
        # that passed once always does.
        ("grpc.max_metadata_size", settings.max_metadata_size),
        ("grpc.absolute_max_metadata_size", settings.max_metadata_size),
    )
    age = (
        # grpc itself adds the jitter of 10 %.
        ("grpc.max_connection_age_ms", int(settings.max_connection_age * 1000)),
        ("grpc.max_connection_age_grace_ms", int(settings.max_connection_age_grace * 1000)),
    )
    if settings.engine == "native":
        require_engine(settings)
        from twinfront_server.native_engine import NativeServer  # noqa: PLC0415  (an extra, for who asks for it)

        return NativeServer(interceptor, options, age)
    return grpc.aio.server(interceptors=[interceptor], options=(*options, *age))


def in_one_queue(server: grpc.aio.Server, settings: Settings) -> grpc.aio.Server:
    """Gives a server to add services to whose calls wait in one queue with each other.

    grpcio has a queue of `MAX_PENDING_CALLS` for each method that is registered with it, and one for all others. Health
    is registered, so that its calls wait for no others. The native engine has one queue, and takes what is registered.
    """
    return server if settings.engine == "native" else cast("grpc.aio.Server", _WithoutRegisteredMethods(server))


class _WithoutRegisteredMethods:
    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, *_: object) -> None:
        """Does nothing: the methods are among the generic handlers as well."""


def listen(server: grpc.aio.Server, settings: Settings, log: Log, metrics: Metrics) -> Place:
    """Adds the port or socket of `--listen`, with TLS if there is a certificate, and returns it with the real port.

    Raises:
        StartupError: if it cannot be had or a certificate cannot be used.
    """
    # grpc asks every caller of a port for a certificate, or none of them.
    client_ca = settings.tls_client_ca if settings.mtls_listen is None else None
    credentials = _credentials(settings, client_ca, log, metrics)
    place = parse_place(settings.listen)
    if not isinstance(place, UnixSocket):
        return place.with_port(_add_port(server, "--listen", place, credentials))
    try:
        unix_socket.clear_the_way(place.path)
    except OSError as error:
        raise StartupError(f"cannot listen on {place} (--listen): {error.strerror}") from error
    with unix_socket.made_with_rights(int(settings.socket_mode, 8)):
        _add_port(server, "--listen", place, credentials)
    return place


def listen_for_certificates(server: grpc.aio.Server, settings: Settings, log: Log, metrics: Metrics) -> Address:
    """Adds the port of `--mtls-listen`, and returns the address with the real port.

    Raises:
        StartupError: if the port cannot be had or a certificate cannot be used.
    """
    credentials = _credentials(settings, settings.tls_client_ca, log, metrics)
    address = Address.parse(settings.mtls_listen or "")
    return address.with_port(_add_port(server, "--mtls-listen", address, credentials))


def _credentials(
    settings: Settings, client_ca: str | None, log: Log, metrics: Metrics
) -> grpc.ServerCredentials | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    from twinfront_server.tls import server_credentials  # noqa: PLC0415  (what reads certificates loads slowly)

    return server_credentials(settings.tls_cert, settings.tls_key, client_ca, log, metrics.certificate_expiry)


def _add_port(server: grpc.aio.Server, flag: str, place: Place, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return server.add_insecure_port(str(place))
        return server.add_secure_port(str(place), credentials)
    except RuntimeError as error:
        raise StartupError(f"cannot listen on {place} ({flag}): {_why_not(place)}") from error


def _why_not(place: Place) -> str:
    """Asks the operating system what it has against an address; grpc does not pass that on."""
    if isinstance(place, UnixSocket):
        return "the socket cannot be made"
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, target in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(target)
    except OSError as error:
        return error.strerror or str(error)
    return "the address is not free"
