"""Ends streams whose callers have stopped reading, and whose results wait here meanwhile."""

import asyncio
from typing import Any, cast

from twinfront_server.call import Call
from twinfront_server.errors import stream_not_read
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method


def end_unread(patience: float) -> Link:
    """The link that fails a stream, STREAM_NOT_READ, when one of its messages has waited too long for its caller.

    The work on it ends then, and what it held is freed but for that message, which grpc keeps in front of the status.
    So a caller that reads on after all loses nothing: it gets the message, and is told to go on behind it.

    Args:
        patience: how long a message may wait, in seconds; flow control lets some be under way that nobody has read.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        if not method.response_streaming:
            return proceed

        async def read_in_time(call: Call, request: Any, context: Context) -> Any:
            watched = _WatchedContext(context, patience)
            try:
                return await proceed(call, request, cast("Context", watched))
            except TimeoutError:
                if watched.is_unread:
                    raise stream_not_read(patience) from None
                raise

        return read_in_time

    return link


class _WatchedContext:
    """A context whose messages do not wait for ever; TimeoutError and `is_unread` when one does."""

    def __init__(self, context: Context, patience: float) -> None:
        self._context = context
        self._patience = patience
        self.is_unread = False

    async def write(self, message: bytes) -> None:
        scope = asyncio.timeout(self._patience)
        try:
            async with scope:
                await self._context.write(message)
        except TimeoutError:
            self.is_unread = scope.expired()
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)
