"""The service over HTTP and HTTPS, for any ADT SDK in any language."""

import socket
import ssl
import struct
from collections.abc import Callable

from aiohttp import web

from localtwins import errors
from localtwins.address import Address
from localtwins.errors import AnswerLostError, StartupError
from localtwins.front_page import front_page
from localtwins.identity.management import add_management
from localtwins.message import VALIDATE_ONLY, VALIDATED_ONLY, Request
from localtwins.request_log import ERROR_CODE, request_log
from localtwins.rest.answers import error_answer
from localtwins.service import LocalTwins
from localtwins.settings import Settings


class HttpServer:
    """Listens on one address and hands every request to the service."""

    def __init__(
        self,
        service: LocalTwins,
        settings: Settings,
        tls: ssl.SSLContext | None = None,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Serve HTTPS with `tls`, else HTTP; `log` takes the lines about requests that the settings want."""
        self._service = service
        self._settings = settings
        self._tls = tls
        self._scheme = "http" if tls is None else "https"
        application = web.Application(
            client_max_size=settings.max_request_bytes, middlewares=request_log(settings.log_requests, log)
        )
        application.router.add_get("/", front_page)
        if settings.identity:
            add_management(application)
        application.router.add_route("*", "/{path:.*}", self._answer)
        # A caller that has gone wants no more work done for it: what runs is cancelled, as it is in process.
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=settings.shutdown_seconds, handler_cancellation=True
        )
        self.url, self.port = "", 0

    async def start(self) -> None:
        """Listen; `url` and `port` tell where, with the real port. Raises StartupError."""
        listen = Address.parse(self._settings.listen, "--listen")
        await self._runner.setup()
        site = web.TCPSite(self._runner, listen.host, listen.port, ssl_context=self._tls)
        try:
            await site.start()
        except OSError as error:
            raise StartupError(
                f"Cannot listen on {self._settings.listen}: {error.strerror or error}. Choose another --listen."
            ) from error
        self.port = self._runner.addresses[0][1]
        self.url = listen.url(self._scheme, self.port)

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
                return web.Response(
                    status=503, headers={ERROR_CODE: "AnswerLost"}
                )  # goes into the log, and nowhere else
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
