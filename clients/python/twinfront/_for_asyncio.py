"""Does for asyncio what each client does in its own way; `_for_threads` has the same names for threads.

The async client calls these, and so does the sync one, which is generated from it.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable
from inspect import isawaitable
from typing import Any, Final, TypeVar

import grpc

from twinfront._calls import Request, Response

Item = TypeVar("Item")

CallError = grpc.aio.AioRpcError
"""Tells the status of a call that failed."""

CallEnded: Final = asyncio.CancelledError
"""Ends the answers of a call that was cancelled on this side."""

sleep: Final = asyncio.sleep


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
