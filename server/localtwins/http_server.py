"""The service over HTTP and HTTPS, for any ADT SDK in any language."""

import asyncio
import signal
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from localtwins import errors
from localtwins.certificate import development_certificate
from localtwins.errors import AnswerLostError, StartupError
from localtwins.message import VALIDATE_ONLY, VALIDATED_ONLY, Request
from localtwins.rest.answers import error_answer
from localtwins.service import LocalTwins
from localtwins.settings import Settings
from localtwins.store.database import MEMORY


class HttpServer:
    """Listens on one address and hands every request to the service."""

    def __init__(self, service: LocalTwins, settings: Settings, tls: ssl.SSLContext | None = None) -> None:
        """Serve HTTPS with `tls`, else HTTP."""
        self._service = service
        self._settings = settings
        self._tls = tls
        self._scheme = "http" if tls is None else "https"
        application = web.Application(client_max_size=settings.max_request_bytes)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=settings.shutdown_seconds)
        self.url = ""

    async def start(self) -> None:
        """Listen; `url` tells where, with the real port. Raises StartupError."""
        host, port = parse_listen(self._settings.listen)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError as error:
            raise StartupError(
                f"Cannot listen on {self._settings.listen}: {error.strerror or error}. Choose another --listen."
            ) from error
        port = self._runner.addresses[0][1]
        self.url = f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Stop listening and give running requests the time that the settings allow."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            answer = error_answer(errors.body_too_large(self._settings.max_request_bytes), "")
            if VALIDATE_ONLY in request.headers:
                answer.headers[VALIDATED_ONLY] = "true"
        else:
            path, _, query = request.raw_path.partition("?")
            base_url = f"{self._scheme}://{request.host}"
            message = Request(request.method, path, query, request.headers, body, base_url)
            try:
                answer = await self._service.handle(message)
            except AnswerLostError:
                _reset(request)
                return web.Response()  # goes nowhere
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body or None)


def _reset(request: web.Request) -> None:
    """End the connection as if the network had lost it."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        # Without lingering, closing sends a reset and not an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


def parse_listen(listen: str) -> tuple[str, int]:
    """Give host and port of `host:port` or `[ipv6]:port`. Raises StartupError."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise StartupError(f"--listen must be host:port, such as 127.0.0.1:8443, and not {listen!r}.")
    return host, int(port)


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, and tell the operator through `announce`. Raises StartupError."""
    stopped = asyncio.Event()
    async with AsyncExitStack() as stack:
        for signum in (signal.SIGTERM, signal.SIGINT):
            _on_signal(signum, stopped.set, stack)
        service = await LocalTwins.open(settings.data_dir, settings)
        stack.push_async_callback(service.close)
        tls, trust = None, ""
        if not settings.http:
            tls, trust = _tls(settings, stack)
        server = HttpServer(service, settings, tls)
        stack.push_async_callback(server.stop)
        await server.start()
        announce(f"localtwins serves {server.url} from {settings.data_dir}{trust}")
        await stopped.wait()
        announce("localtwins stops")


def _on_signal(signum: int, callback: Callable[[], object], stack: AsyncExitStack) -> None:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signum, callback)
    except NotImplementedError:  # on Windows
        stack.callback(signal.signal, signum, signal.getsignal(signum))
        signal.signal(signum, lambda *_: loop.call_soon_threadsafe(callback))
    else:
        stack.callback(loop.remove_signal_handler, signum)


def _tls(settings: Settings, stack: AsyncExitStack) -> tuple[ssl.SSLContext, str]:
    """Give the TLS context, and how to trust a certificate that was made for development."""
    trust = ""
    if settings.tls_cert or settings.tls_key:
        if not (settings.tls_cert and settings.tls_key):
            raise StartupError("--tls-cert and --tls-key need each other.")
        chain, key = Path(settings.tls_cert), Path(settings.tls_key)
    else:
        directory = settings.data_dir
        if directory == MEMORY:
            directory = stack.enter_context(TemporaryDirectory(prefix="localtwins-"))
        made = development_certificate(Path(directory) / "tls")
        chain, key = made.chain, made.key
        trust = (
            "\nThe certificate is for development. To trust it, give clients its authority:\n"
            f"    {made.authority}\n"
            "    Python SDK: connection_verify=<that file>; curl: --cacert; Node.js: NODE_EXTRA_CA_CERTS; "
            "Go and others: SSL_CERT_FILE"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(chain, key)
    except (OSError, ssl.SSLError) as error:
        raise StartupError(f"The TLS certificate {chain} with key {key} cannot be used: {error}.") from error
    return context, trust
