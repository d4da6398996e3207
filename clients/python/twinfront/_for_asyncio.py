"""Does for asyncio what each client does in its own way; `_for_threads` has the same names for threads.

The async client calls these, and so does the sync one, which is generated from it.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from inspect import isawaitable
from typing import Any, Final, TypeAlias, TypeVar

import grpc

from twinfront._calls import Request, Response

Item = TypeVar("Item")

CallError = grpc.aio.AioRpcError
"""Tells the status of a call that failed."""

CallEnded: Final = asyncio.CancelledError
"""Ends the answers of a call that was cancelled on this side."""

Interceptor: TypeAlias = grpc.aio.ClientInterceptor
"""Sees each attempt at a call: a `grpc.aio.UnaryUnaryClientInterceptor`, or one of its siblings."""

sleep: Final = asyncio.sleep


def open_channel(
    target: str,
    credentials: grpc.ChannelCredentials | None,
    arguments: Sequence[tuple[str, Any]],
    interceptors: Sequence[Interceptor],
) -> grpc.aio.Channel:
    """Opens a channel, in the clear if there are no credentials; it connects when it is used."""
    if credentials is None:
        return grpc.aio.insecure_channel(target, arguments, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, arguments, interceptors=interceptors)


async def answer(
    method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request, **how: Any
) -> "tuple[Response, grpc.aio.Call]":
    """Sends a request; gives the answer, and the call to ask for its trailers."""
    call = method(request, **how)
    return await call, call


async def awaited(value: Awaitable[Item] | Item) -> Item:
    """Gives what a function of the caller's returned, which may be a coroutine function."""
    return await value if isawaitable(value) else value


async def each(items: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[Item]:
    """Goes through what the caller gave, an iterable of either kind."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


class Ending:
    """Keeps the status with which a call ended.

    If the server ends a call while a message is on its way to it, as one does that refuses an import, grpc.aio first
    hears of that status, and then puts INTERNAL in its place because the message could not be sent.
    """

    def __init__(self, call: grpc.aio.Call) -> None:
        self._first: CallError | None = None
        call.add_done_callback(self._keep)

    def _keep(self, call: grpc.aio.Call) -> None:
        code, trailers = _told(call.code()), _told(call.trailing_metadata())
        self._first = CallError(code, grpc.aio.Metadata(), trailers, _told(call.details()))

    def true(self, error: CallError) -> CallError:
        """Gives the error that the server meant; it may be none, with the code OK."""
        is_of_grpc = error.code() is grpc.StatusCode.INTERNAL and not error.trailing_metadata()
        return self._first if is_of_grpc and self._first else error


class Signal:
    """Is given once, and waited for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def is_set(self) -> bool:
        """Tells whether it was given."""
        return self._event.is_set()

    def set(self) -> None:
        """Gives it."""
        self._event.set()

    async def wait(self, seconds: float | None) -> bool:
        """Waits for it, for so long at the most; tells whether it was given."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        return self.is_set()


class Stop(Signal):
    """Ends a stream that goes on for ever, be it read from, or in a pause between two attempts."""

    def __init__(self) -> None:
        super().__init__()
        self._call: grpc.aio.Call | None = None

    def set(self) -> None:
        """Ends the stream."""
        super().set()
        if self._call is not None:
            self._call.cancel()

    def holds(self, call: grpc.aio.Call) -> None:
        """Notes the call that brings the stream at present; ends it if the stream has ended meanwhile."""
        self._call = call
        if self.is_set():
            call.cancel()


class Background:
    """Runs beside the program until it ends by itself."""

    def __init__(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._task = asyncio.create_task(run())

    async def ended(self) -> None:
        """Waits until it has ended; returns at once to the one that runs in it."""
        if self._task is not asyncio.current_task():
            await asyncio.wait([self._task])


def _told(answer: Coroutine[Any, Any, Any]) -> Any:
    """Gives what a call that has ended tells: it need not be waited for."""
    try:
        answer.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("the call has not ended")
