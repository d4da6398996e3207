"""Logs each request, or each that is refused, to show what somebody else's client asks for."""

import logging
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Literal, Protocol
from urllib.parse import quote

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from localtwins.shown_target import PRINTABLE, cut, shown_target
from twinfront_program.log import Log

Wanted = Literal["none", "refused", "all"]

ERROR_CODE: Final = "x-ms-error-code"

_LONGEST_AGENT: Final = 200
_LARGEST_ERROR: Final = 64 * 1024
_NEWLINE: Final = "\n"

HTTP_LOG: Final = logging.getLogger(__name__)
"""The log of aiohttp itself: of requests that are no HTTP, and of defects."""


def _without_trace(record: logging.LogRecord) -> bool:
    """Tells in one line, and to those who ask for it, of a request that is no HTTP: it is its sender's fault alone."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "refused a request that is no HTTP: %.200s", (error.message.partition(_NEWLINE)[0],)
        record.exc_info = None
    return True


HTTP_LOG.addFilter(_without_trace)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Middleware(Protocol):
    """A middleware of aiohttp."""

    def __call__(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Answers a request by means of what comes after."""


def request_log(wanted: Wanted, log: Log) -> list[Middleware]:
    """Gives the middlewares that log each request that is wanted."""
    if wanted == "none":
        return []

    def tell(request: web.Request, answer: web.StreamResponse, seconds: float) -> None:
        agent = cut(request.headers.get("User-Agent", ""), _LONGEST_AGENT)
        log.info(
            "request",
            method=request.method,
            target=shown_target(request.raw_path),
            status=answer.status,
            code=_error_code(answer),
            ms=round(seconds * 1000, 3),
            agent=quote(agent, safe=f"{PRINTABLE} ", errors="surrogateescape"),
        )

    @web.middleware
    async def telling(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        try:
            answer = await handler(request)
        except web.HTTPException as refusal:
            tell(request, refusal, time.perf_counter() - start)
            raise
        if wanted == "all" or answer.status >= HTTPStatus.BAD_REQUEST:
            tell(request, answer, time.perf_counter() - start)
        return answer

    return [telling]


def _error_code(answer: web.StreamResponse) -> str:
    """Gives the code of an error, which a few have in the body alone."""
    if code := answer.headers.get(ERROR_CODE):
        return code
    body = answer.body if isinstance(answer, web.Response) else None
    if answer.status < HTTPStatus.BAD_REQUEST or not isinstance(body, bytes) or len(body) > _LARGEST_ERROR:
        return ""
    try:
        return str(orjson.loads(body)["error"]["code"])
    except (ValueError, TypeError, KeyError):
        return ""
