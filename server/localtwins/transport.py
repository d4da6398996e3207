"""An azure-core transport that calls the service in process.

    service = await LocalTwins.open(":memory:")
    client = DigitalTwinsClient("https://localhost", credential, transport=LocalTransport(service))

The SDK then does all it does over the network, but for the network.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import orjson
from azure.core.exceptions import HttpResponseError, ServiceResponseError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from multidict import CIMultiDict

from localtwins.errors import AnswerLostError
from localtwins.message import Request, Response
from localtwins.service import LocalTwins

_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class LocalTransport(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """Carries the requests of a client to a service in the same process. Closing it does not close the service.

    Args:
        service: answers them.
    """

    def __init__(self, service: LocalTwins) -> None:
        self._service = service

    async def send(self, request: HttpRequest, **_kwargs: object) -> "LocalResponse":
        """Sends a request; connection options such as timeouts have no meaning here.

        Raises:
            ServiceResponseError: an injected fault loses the answer.
        """
        await asyncio.sleep(0)  # others run between two answers, as they do where answers come over a network
        scheme, _, rest = request.url.partition("://")
        authority, slash, target = rest.partition("/")
        path, _, query = f"{slash}{target}".partition("?")
        message = Request(
            request.method,
            path,
            query,
            request.headers,
            await _body(request.content),
            f"{scheme}://{authority}",
        )
        try:
            answer = await self._service.handle(message)
        except AnswerLostError as error:
            raise ServiceResponseError("The connection was closed before an answer came.", error=error) from error
        return LocalResponse(request, answer)

    async def open(self) -> None:
        """Does nothing."""

    async def close(self) -> None:
        """Does nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        return None


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


async def _body(content: Any) -> bytes:
    if content is None:
        return b""
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if hasattr(content, "read"):
        body: bytes = content.read()
        return body
    if isinstance(content, Iterable):
        return b"".join(content)
    return b"".join([chunk async for chunk in content])


class LocalResponse(AsyncHttpResponse):
    """An answer that is all there from the start."""

    def __init__(self, request: HttpRequest, answer: Response) -> None:
        self._request = request
        self._status = answer.status
        # Four microseconds less than with azure-core's own mapping, to make it and to look things up.
        self._headers = CIMultiDict(answer.headers)
        self._headers.setdefault("Date", _http_date(int(time.time())))  # over a network the HTTP server says it
        self._content_type = answer.headers.get("Content-Type")
        self._content = answer.body
        self._encoding: str | None = None

    @property
    def request(self) -> HttpRequest:
        """Gives the request that it answers."""
        return self._request

    @property
    def status_code(self) -> int:
        """Gives the HTTP status."""
        return self._status

    @property
    def headers(self) -> Any:
        """Gives the header fields."""
        return self._headers

    @property
    def reason(self) -> str:
        """Gives the phrase of the status."""
        return _REASONS.get(self._status, "")

    @property
    def content_type(self) -> str | None:
        """Gives the media type of the body."""
        return self._content_type

    @property
    def is_closed(self) -> bool:
        """Tells that it is closed: there is no connection."""
        return True

    @property
    def is_stream_consumed(self) -> bool:
        """Tells that the body has been read: it is in memory."""
        return True

    @property
    def encoding(self) -> str | None:
        """Gives the encoding for `text`, UTF-8 unless set."""
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        """Gives the encoding for `text`, UTF-8 unless set."""
        self._encoding = value

    @property
    def url(self) -> str:
        """Gives the URL that was asked for."""
        return self._request.url

    @property
    def content(self) -> bytes:
        """Gives the body."""
        return self._content

    def body(self) -> bytes:
        """Gives the body, as older parts of azure-core ask for it."""
        return self._content

    def text(self, encoding: str | None = None) -> str:
        """Gives the body as text."""
        return self._content.decode(encoding or self._encoding or "utf-8-sig")

    def json(self) -> Any:
        """Gives the body parsed."""
        return orjson.loads(self._content)

    def raise_for_status(self) -> None:
        """Raises an error for a status of 400 and above.

        Raises:
            HttpResponseError: the status is one.
        """
        if self._status >= HTTPStatus.BAD_REQUEST:
            raise HttpResponseError(response=self)

    async def read(self) -> bytes:
        """Gives the body."""
        return self._content

    async def load_body(self) -> None:
        """Does nothing: the body is there."""

    async def iter_raw(self, **_kwargs: object) -> AsyncIterator[bytes]:
        """Gives the body in one piece."""
        yield self._content

    async def iter_bytes(self, **_kwargs: object) -> AsyncIterator[bytes]:
        """Gives the body in one piece."""
        yield self._content

    def stream_download(self, _pipeline: object = None, **_kwargs: object) -> AsyncIterator[bytes]:
        """Gives the body in one piece."""
        return self.iter_bytes()

    async def close(self) -> None:
        """Does nothing."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        return None
