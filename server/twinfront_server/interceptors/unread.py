"""Bounds what streams hold: the results of those whose callers have stopped reading wait here meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from twinfront_server.call import Call
from twinfront_server.errors import limit_reached_for_now, stream_not_read
from twinfront_server.interceptors.link import ENDLESS, INFRASTRUCTURE, Behaviour, Context, Method
from twinfront_server.metric_table import Limit

ANSWERING_BYTES: Final = 1 << 20
"""Memory of a stream of answers: a page that was read, the next page, and a message of their rows."""

WAITING_MESSAGES: Final = 3
"""Memory of a stream without an end of its own, in sizes of the message that waits: it, and what it was made of."""

TAKING_IN_BYTES: Final = 8 << 20
"""Memory of a stream that takes in items: those that wait to be written."""

LONG_WAIT_SECONDS: Final = 1.0
"""How long a message has to have waited for its caller before its stream is ended in favour of another one."""


class UnreadStreams:
    """Ends streams that are not read on: after some time, and sooner if there is no memory for another stream.

    The work on such a stream ends, STREAM_NOT_READ, and what it held is freed but for the message that waits, which
    grpc keeps in front of the status. So a caller that reads on after all loses nothing: it gets the message, and is
    told to go on behind it.

    Args:
        patience: how long a message may wait, in seconds; flow control lets some be under way that nobody has read.
        max_bytes: what all streams may hold together.
        on_refused: told of the limit for which a stream is refused.
    """

    def __init__(self, patience: float, max_bytes: int, on_refused: Callable[[Limit], None]) -> None:
        self._on_refused = on_refused
        self._patience = patience
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._streams: set[_WatchedContext] = set()

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """Makes the link of the chain that ends streams which nobody reads."""
        if not method.response_streaming:
            return proceed
        held_bytes = TAKING_IN_BYTES if method.request_streaming else ANSWERING_BYTES
        if method.service in INFRASTRUCTURE:
            held_bytes = 0
        is_endless = method.full_name in ENDLESS

        async def read_in_time(call: Call, request: Any, context: Context) -> Any:
            if is_endless:
                watched: _WatchedContext = _IdleContext(context, self._patience, self._let_in, self._leave)
            else:
                watched = _WatchedContext(context, self._patience, held_bytes)
                self._let_in(watched)
            try:
                return await proceed(call, request, cast("Context", watched))
            except TimeoutError:
                if watched.is_unread:
                    raise stream_not_read(watched.waited()) from None
                raise
            finally:
                self._leave(watched)

        return read_in_time

    def _let_in(self, stream: "_WatchedContext") -> None:
        while stream.held_bytes and self._streams and self._held_bytes + stream.held_bytes > self._max_bytes:
            longest = max(self._streams, key=_WatchedContext.waited)
            if longest.waited() < LONG_WAIT_SECONDS:
                self._on_refused("stream_memory")
                message = "This server has no memory left for another stream (--max-stream-bytes)."
                raise limit_reached_for_now("stream_memory", message, LONG_WAIT_SECONDS)
            longest.end()
            self._leave(longest)
        self._streams.add(stream)
        self._held_bytes += stream.held_bytes

    def _leave(self, stream: "_WatchedContext") -> None:
        if stream in self._streams:
            self._streams.remove(stream)
            self._held_bytes -= stream.held_bytes


class _WatchedContext:
    """A context whose messages do not wait for ever; TimeoutError and `is_unread` when one does."""

    def __init__(self, context: Context, patience: float, held_bytes: int) -> None:
        self._context = context
        self._patience = patience
        self._time = asyncio.get_running_loop().time
        self._scope: asyncio.Timeout | None = None
        self._since = 0.0
        self.held_bytes = held_bytes
        self.is_unread = False

    def waited(self) -> float:
        """Gives the seconds that a message has waited for its caller to read it; 0 if there is none."""
        return 0.0 if self._scope is None else self._time() - self._since

    def end(self) -> None:
        """Lets the message wait no longer."""
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(self._time())

    async def write(self, message: bytes) -> None:
        self._since = self._time()
        self._scope = scope = asyncio.timeout_at(self._since + self._patience)
        try:
            async with scope:
                await self._context.write(message)
        except TimeoutError:
            self.is_unread = scope.expired()
            raise
        self._scope = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class _IdleContext(_WatchedContext):
    """A context of a stream that has memory set aside for as long as a message of it waits."""

    def __init__(
        self,
        context: Context,
        patience: float,
        let_in: Callable[[_WatchedContext], None],
        leave: Callable[[_WatchedContext], None],
    ) -> None:
        super().__init__(context, patience, 0)
        self._let_in = let_in
        self._leave = leave

    async def write(self, message: bytes) -> None:
        self.held_bytes = len(message) * WAITING_MESSAGES
        self._let_in(self)
        try:
            await super().write(message)
        finally:
            self._leave(self)
