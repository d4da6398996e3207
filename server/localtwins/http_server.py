"""The service over HTTP and HTTPS, for any ADT SDK in any language."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Final

from aiohttp import ClientPayloadError, web

from localtwins import errors
from localtwins.errors import AdtError, AnswerLostError
from localtwins.front_page import front_page
from localtwins.identity.management import add_management
from localtwins.message import VALIDATE_ONLY, VALIDATED_ONLY, Request
from localtwins.request_log import ERROR_CODE, HTTP_LOG, request_log
from localtwins.rest.answers import error_answer
from localtwins.service import LocalTwins
from localtwins.settings import Settings
from twinfront_program.address import Address
from twinfront_program.log import Log, library_logger
from twinfront_program.startup_error import StartupError

_READS: Final = frozenset({"GET", "HEAD"})


class HttpServer:
    """Listens on one address and hands every request to the service.

    Args:
        service: answers the requests.
        settings: where to listen, and how.
        tls: for HTTPS; without it the server speaks HTTP.
        log: takes the requests that the settings want to be logged.
    """

    def __init__(
        self,
        service: LocalTwins,
        settings: Settings,
        tls: ssl.SSLContext | None = None,
        log: Log | None = None,
    ) -> None:
        self._service = service
        self._settings = settings
        self._tls = tls
        self._scheme = "http" if tls is None else "https"
        application = web.Application(middlewares=request_log(settings.log_requests, log or library_logger(__name__)))
        application.on_shutdown.append(self._end_waits)
        application.router.add_get("/", front_page)
        if settings.identity:
            add_management(application)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=settings.shutdown_seconds,
            handler_cancellation=True,  # a caller that has gone wants no more work done for it, as in process
            auto_decompress=False,  # a body that says it is compressed is refused, whatever is in it
            logger=HTTP_LOG,
        )
        self.url, self.port = "", 0

    async def start(self) -> None:
        """Listens; `url` and `port` tell where, with the real port.

        Raises:
            StartupError: it cannot listen there.
        """
        listen = Address.parse(self._settings.listen)
        await self._runner.setup()
        site = web.TCPSite(self._runner, listen.host, listen.port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError as error:
            raise StartupError(
                f"Cannot listen on {self._settings.listen}: {error.strerror or error}. Choose another --listen."
            ) from error
        self.port = self._runner.addresses[0][1]
        self.url = listen.with_port(self.port).url(self._scheme)

    async def stop(self) -> None:
        """Stops listening and gives running requests the time that the settings allow.

        A connection over TLS that is closed stays open until its peer answers the goodbye. None is waited for: what is
        open then is cut off.
        """
        for site in list(self._runner.sites):
            await site.stop()
        connections = () if self._runner.server is None else self._runner.server.connections
        transports = [each.transport for each in connections if each.transport is not None]
        await self._runner.cleanup()
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)  # they are gone with the next turn of the loop

    async def _end_waits(self, _application: web.Application) -> None:
        """Answers requests that wait for changes, so that they are not waited for."""
        self._service.changes.close()

    async def _answer(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        try:
            _check_site(request)
            body = await _body(request, self._service.largest_body(request.method, path))
        except AdtError as error:
            answer = error_answer(error, "")
            if VALIDATE_ONLY in request.headers:
                answer.headers[VALIDATED_ONLY] = "true"
        else:
            base_url = f"{self._scheme}://{request.host}"
            message = Request(request.method, path, query, _headers(request), body, base_url)
            try:
                answer = await self._service.handle(message)
            except AnswerLostError:
                _reset(request)
                return web.Response(status=503, headers={ERROR_CODE: "AnswerLost"})  # goes nowhere but into the log
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body or None)


def _headers(request: web.Request) -> Mapping[str, str]:
    """Gives the header fields; one that comes in several lines in one, which says the same (RFC 9110, section 5.3)."""
    names = {name.lower() for name in request.headers}
    if len(names) == len(request.headers):
        return request.headers
    return {name: ", ".join(request.headers.getall(name)) for name in names}


def _check_site(request: web.Request) -> None:
    """Refuses changes that a page of another site asks for, which reach this machine from any browser on it.

    Browsers themselves say so, and pages cannot make them keep quiet. What a read answers they keep from such a page.

    Raises:
        AdtError: CrossSiteRequest.
    """
    if request.method not in _READS and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise errors.cross_site_request()


async def _body(request: web.Request, largest: int) -> bytes:
    """Reads a body, of one that is too large as much as the service needs to see that it is.

    Raises:
        AdtError: UnsupportedMediaType for one that is compressed, InvalidArgument for one that breaks HTTP.
    """
    if not request.body_exists:
        return b""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise errors.encoding_unsupported(encoding)
    body = bytearray()
    try:
        while len(body) <= largest and (chunk := await request.content.readany()):
            body += chunk
    except (web.RequestPayloadError, ClientPayloadError, ConnectionResetError) as error:
        raise errors.invalid_argument(f"The request body cannot be read: {error}.") from error
    return bytes(body[: largest + 1])


def _reset(request: web.Request) -> None:
    """Ends the connection as if the network had lost it."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        # Without lingering, closing sends a reset and not an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
