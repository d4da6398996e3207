"""Bounds what an answer of the upstream takes up, while it is read and while it is inflated.

aiohttp bounds the header of an answer (8 KiB a field, 128 fields), and inflates a piece only when the one before has
been taken. It bounds neither the body as a whole nor what comes around it, such as interim answers (1xx) without end.
"""

from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage

from twinfront_server.adt.json_text import json_values
from twinfront_server.upstream.sdk.answer_too_large import AnswerTooLargeError

MAX_VALUES: Final = 2_000_000
"""JSON values in an answer: parsed they take up some 100 bytes each, however short they are. 1,000 common twins of
32 KiB have some 1,000,000; 100, the page unless more is asked for, of as many values as one can have, 1,600,000."""

MAX_EMPTY: Final = 1 << 20
"""Bytes that come for an answer and are none of its body, beyond as many as that has: interim answers, empty lines, the
framing of chunks, padding in that."""

ENCODINGS: Final = "gzip, deflate"
"""Encodings that the upstream may answer in; aiohttp would ask for every one that happens to be installed."""


class BoundedConnector(aiohttp.TCPConnector):
    """Makes connections that break when much comes and little of it is answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("partial[ResponseHandler]", partial(_ResponseHandler, loop=self._loop))


class _ResponseHandler(ResponseHandler):
    """Counts what comes for one answer, and how much of it is body."""

    _received = 0

    def set_response_params(self, **params: Any) -> None:
        """Begins an answer."""
        self._received = 0
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Takes what has come."""
        super().data_received(data)
        self._received += len(data)
        payload = self._payload
        if self._received > MAX_EMPTY + 2 * (0 if payload is None else payload.total_bytes) and self.transport:
            error = BadHttpMessage("too much around an answer")
            self.set_exception(error)
            if payload is not None:
                payload.set_exception(aiohttp.ClientPayloadError(error.message))
            self.transport.abort()


def response_class(most: int) -> type[aiohttp.ClientResponse]:
    """Makes the class of responses whose bodies have so many bytes at the most."""

    class Response(aiohttp.ClientResponse):
        """A response with a bounded body."""

        async def read(self) -> bytes:
            """Reads the whole body; nothing of one that is too large if the status says no all the same.

            Raises:
                AnswerTooLargeError: it has more bytes or values than it may have.
                aiohttp.ClientError: the connection broke, or the body is not encoded as its header says.
            """
            try:
                body = await _read(self, most)
            except AnswerTooLargeError:
                self.close()
                if self.status < HTTPStatus.BAD_REQUEST:
                    raise
                return b""
            except BaseException:
                self.close()
                raise
            await self.wait_for_close()
            return body

    return Response


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    pieces, size = [], 0
    while piece := await response.content.readany():
        size += len(piece)
        if max(size, response.content_length or 0) > most:
            raise AnswerTooLargeError(f"An answer of more than {most} bytes (--max-upstream-answer-bytes).")
        pieces.append(piece)
    body = b"".join(pieces)
    if size > MAX_VALUES and json_values(body) > MAX_VALUES:
        raise AnswerTooLargeError(f"An answer of more than {MAX_VALUES} JSON values.")
    return body
