"""Writes one line for each request, or for each that is refused, to show what somebody else's client asks for."""

import logging
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal, Protocol
from urllib.parse import quote, unquote

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

Wanted = Literal["none", "refused", "all"]

ERROR_CODE: Final = "x-ms-error-code"

_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_LONGEST_TARGET: Final = 2_000
_LONGEST_AGENT: Final = 200
_LARGEST_ERROR: Final = 64 * 1024
_SECRET: Final = ("sig", "sas", "token", "secret", "password", "pwd", "key", "code", "auth", "credential")
"""Parts of the names of parameters by which somebody could act as the caller: signatures of blobs, tokens, keys."""
_EQUALS: Final = re.compile("=|%3d", re.IGNORECASE)

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


def request_log(wanted: Wanted, write: Callable[[str], None]) -> list[Middleware]:
    """Gives the middlewares that write a line for each request that is wanted."""
    if wanted == "none":
        return []

    @web.middleware
    async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        try:
            answer = await handler(request)
        except web.HTTPException as refusal:
            write(_line(request, refusal, time.perf_counter() - start))
            raise
        if wanted == "all" or answer.status >= HTTPStatus.BAD_REQUEST:
            write(_line(request, answer, time.perf_counter() - start))
        return answer

    return [log]


def _line(request: web.Request, answer: web.StreamResponse, seconds: float) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    agent = _cut(request.headers.get("User-Agent", "-"), _LONGEST_AGENT)
    words = [
        now,
        request.method,
        shown_target(request.raw_path),
        str(answer.status),
        _error_code(answer) or "-",
        f"{seconds * 1000:.1f}ms",
        quote(agent, safe=f"{_PRINTABLE} ", errors="surrogateescape"),
    ]
    return " ".join(words)


def shown_target(target: str) -> str:
    """Gives path and query as they may be shown: without secrets, without control characters, not too long."""
    path, mark, query = _cut(target, _LONGEST_TARGET).partition("?")
    shown = f"{_without_secrets(path, '/')}{mark}{_without_secrets(query, '&')}"
    return quote(shown, safe=_PRINTABLE, errors="surrogateescape")


def _without_secrets(text: str, separator: str) -> str:
    """Gives each part that has a secret up to its equals sign, which may be percent-encoded as the name may."""
    return separator.join(
        f"{_EQUALS.split(part, maxsplit=1)[0]}=..." if _has_secret(part) else part for part in text.split(separator)
    )


def _has_secret(part: str) -> bool:
    *names, _ = unquote(part).lower().split("=")
    return any(word in name for name in names for word in _SECRET)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


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
