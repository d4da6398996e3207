"""The inner end of the chain: bytes to messages, the servicer, messages to bytes.

grpc is told of no serializers and hands the chain bytes. So a request that does not parse is answered like any other
bad argument, typed, counted and logged, where grpc itself would answer UNKNOWN, uncounted; and so is a response that is
too large to be sent.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from google.protobuf.message import DecodeError

from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, limit_reached
from twinfront_server.interceptors.link import Behaviour, Context, Handler, Link, Method
from twinfront_server.large_requests import LARGE_BYTES, work
from twinfront_server.metrics import MethodMetrics
from twinfront_server.reasons import Reason
from twinfront_server.wire.limits import (
    MAX_TEXT,
    require_little_waste,
    require_moderate_expansion,
    require_moderate_texts,
)


def serve_messages(
    handler: Handler, method: Method, series: MethodMetrics, links: Sequence[Link], *, max_response_bytes: int
) -> Behaviour:
    """Makes the behaviour of a servicer's method, with its messages counted.

    Args:
        handler: the servicer's method.
        method: what it is called.
        series: where messages are counted.
        links: what stands around it and takes messages, the outermost first; not for streams.
        max_response_bytes: the largest message that it may answer.
    """
    codec = _Codec(handler, series, max_response_bytes)
    if handler.response_streaming:
        return _streamed(handler, codec)
    if handler.request_streaming:
        return _collected(handler, codec)
    return _unary(handler, codec, method, links)


class _Codec:
    """Reads and writes the messages of one method, and counts them."""

    def __init__(self, handler: Handler, series: MethodMetrics, max_response_bytes: int) -> None:
        self._deserialize: Callable[[bytes], Any] = handler.request_deserializer or bytes
        self._serialize: Callable[[Any], bytes] = handler.response_serializer or bytes
        self._received = series.received.inc
        self._sent = series.sent.inc
        self._max_response_bytes = max_response_bytes

    async def request(self, data: bytes) -> Any:
        self._received()
        return await work(lambda: self._parsed(data), large=len(data) > LARGE_BYTES)

    def _parsed(self, data: bytes) -> Any:
        require_moderate_expansion(data)
        try:
            message = self._deserialize(data)
        except DecodeError as error:
            raise TwinfrontError(
                Reason.INVALID_ARGUMENT,
                "The request is no message of the type that this method takes.",
            ) from error
        if len(data) > MAX_TEXT:
            require_little_waste(message, len(data))
            require_moderate_texts(message)
        return message

    async def requests(self, stream: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in stream:
            messages = [await self.request(data)]
            del data  # else it is kept for as long as the caller sends nothing more
            yield messages.pop()

    def response(self, message: Any) -> bytes:
        data = self._serialize(message)
        if len(data) > self._max_response_bytes:
            # grpc would refuse to send it after all, without details, and log and metrics would have it as sent.
            raise limit_reached(
                "response",
                f"The call was carried out, but its answer has {len(data)} bytes, and a message of this server's may "
                f"have {self._max_response_bytes} (--max-response-bytes).",
            )
        self._sent()
        return data


def _collected(handler: Handler, codec: _Codec) -> Behaviour:
    collect: Callable[[Any, Any], Any] = handler.stream_unary  # type: ignore[assignment]  # optional in the stubs, and there in this kind of handler

    async def collected(_call: Call, request: AsyncIterator[bytes], context: Context) -> bytes:
        return codec.response(await collect(codec.requests(request), context))

    return collected


def _unary(handler: Handler, codec: _Codec, method: Method, links: Sequence[Link]) -> Behaviour:
    ask: Callable[[Any, Any], Awaitable[Any]] = handler.unary_unary  # type: ignore[assignment]  # optional in the stubs, and there in this kind of handler

    def answer(_call: Call, request: Any, context: Context) -> Awaitable[Any]:
        return ask(request, context)

    behaviour: Behaviour = answer
    for link in reversed(links):
        behaviour = link(behaviour, method)

    async def asked(call: Call, request: bytes, context: Context) -> bytes:
        call.request_bytes = len(request)
        return codec.response(await behaviour(call, await codec.request(request), context))

    return asked


def _streamed(handler: Handler, codec: _Codec) -> Behaviour:
    produce: Callable[[Any, Any], Any] = handler.stream_stream or handler.unary_stream  # type: ignore[assignment]  # one of them is there in this kind of handler

    async def produced(_call: Call, request: Any, context: Context) -> None:
        asked = codec.requests(request) if handler.request_streaming else await codec.request(request)
        async with aclosing(produce(asked, context)) as responses:
            async for message in responses:
                await context.write(codec.response(message))

    return produced
