"""Speaks to Redis over one connection: questions go out as they come, and answers come in their order.

The library for Redis takes a connection of its pool for each question; this takes a third of the processor time.
"""

import asyncio
import re
from collections import deque
from typing import Any, Final, cast

import hiredis

from twinfront_server.outcomes.scripts import RedisError

_MAX_UNSENT: Final = 8 << 20
"""Bytes that may wait for Redis to take them; with more it counts as failing."""

_MAX_INCOMPLETE: Final = 4 << 20
"""Bytes of an answer of which the end has not come; the largest outcome is a quarter of it."""

_TOGETHER: Final = 0.002
"""Seconds that what nobody waits for waits for something to be sent with."""

_HEADER: Final = re.compile(rb"[*%~>|](?:([0-9]{4})|[0-9]{0,3}\Z)")
"""How parts are announced, of a list or the like: many, or as many as the next bytes say. The library makes room for
them before they come, and no answer has more than five."""

Answer = asyncio.Future[Any]


class RedisConnection(asyncio.Protocol):
    """A connection; it is made by the event loop.

    Attributes:
        is_usable: whether it is worth asking something; not once it has refused something, or is late.
        ended: done when nothing is left of the connection.

    Args:
        patience: seconds that an answer is waited for.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(protocolError=RedisError, replyError=RedisError)
        self._held = b""
        self._unsent: list[bytes] = []
        self._unanswered: deque[tuple[float, Answer]] = deque()
        self._sends_soon = self._sends_later = False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self.is_usable = True
        self.ended: Final[asyncio.Future[None]] = self._loop.create_future()

    def ask(self, *words: bytes | int) -> Answer:
        """Sends a command; what comes of it is its answer, a `RedisError` or an `OSError`."""
        answer = self._put(words)
        if self._unsent and not self._sends_soon:
            self._sends_soon = True
            self._loop.call_soon(self._send)
        return answer

    def tell(self, *words: bytes | int) -> Answer:
        """Sends a command that nobody waits for: with the next one, or in `_TOGETHER` if there is none by then.

        To send something and to be sent the answer costs more than what is said.
        """
        answer = self._put(words)
        if self._unsent and not (self._sends_soon or self._sends_later):
            self._sends_later = True
            self._loop.call_later(_TOGETHER, self._send_late)
        return answer

    async def close(self) -> None:
        """Ends the connection when all is answered, or too late, and returns then."""
        self.abandon()
        await asyncio.wait({self.ended})

    def abandon(self) -> None:
        """Has nothing more asked; the connection ends when all is answered, or too late."""
        self._send()
        self.is_usable = False
        self._end_if_done()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(_MAX_UNSENT)

    def data_received(self, data: bytes) -> None:
        """Hands answers to those who wait for them."""
        try:
            self._read(data)
        except RedisError as error:
            self._fail(error)
        if not self.is_usable:
            self._end_if_done()

    def _read(self, data: bytes) -> None:
        """Reads what came, up to where an answer announces many parts.

        Only the library knows whether bytes that look so are that: they are, unless it waits for the end of a text.
        """
        data, self._held = self._held + data, b""
        begin = 0
        for header in _HEADER.finditer(data):
            self._parse(data[begin : header.start()])
            begin = header.start()
            if self._reader.has_data():
                continue
            if header[1] is not None:
                raise RedisError("an answer is too large")
            self._held = header[0]
            return
        self._parse(data[begin:])

    def _parse(self, data: bytes) -> None:
        self._reader.feed(data)
        while (said := self._reader.gets()) is not False:
            self._answer(said)
        if self._reader.len() > _MAX_INCOMPLETE:
            raise RedisError("an answer is too large")

    def pause_writing(self) -> None:
        """Is told that Redis takes nothing."""
        self._fail(ConnectionError("too much waits to be sent"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Is told of the end."""
        self._fail(exc if isinstance(exc, OSError) else ConnectionError("the connection has been closed"))
        self.ended.set_result(None)

    def _put(self, words: tuple[bytes | int, ...]) -> Answer:
        answer: Answer = self._loop.create_future()
        if self._transport is None or not self.is_usable:
            answer.set_exception(ConnectionError("the connection is lost"))
            return answer
        deadline = self._loop.time() + self._patience
        self._unanswered.append((deadline, answer))
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._give_up)
        self._unsent.append(hiredis.pack_command(cast("Any", words)))
        return answer

    def _send(self) -> None:
        """Sends what this turn of the event loop has to ask, and what waited for that."""
        self._sends_soon = False
        if self._unsent and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _send_late(self) -> None:
        self._sends_later = False
        self._send()

    def _answer(self, said: Any) -> None:
        if not self._unanswered:
            raise RedisError("it speaks without having been asked")
        _, answer = self._unanswered.popleft()
        if isinstance(said, RedisError):
            self.is_usable = False
        if answer.done():  # nobody waits any more
            return
        if isinstance(said, RedisError):
            answer.set_exception(said)
        else:
            answer.set_result(said)

    def _give_up(self) -> None:
        """Ends the wait for what should have been answered by now; what was asked later has its own time."""
        self._timer = None
        now = self._loop.time()
        for deadline, answer in self._unanswered:
            if deadline > now:
                self._timer = self._loop.call_at(deadline, self._give_up)
                break
            self.is_usable = False
            if not answer.done():
                answer.set_exception(TimeoutError(f"no answer within {self._patience:g} s"))
        if not self.is_usable:
            self._end_if_done()

    def _end_if_done(self) -> None:
        if all(answer.done() for _, answer in self._unanswered) and self._transport is not None:
            self._transport.abort()

    def _fail(self, error: Exception) -> None:
        self.is_usable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._unanswered:
            _, answer = self._unanswered.popleft()
            if not answer.done():
                answer.set_exception(error)
        if self._transport is not None:
            self._transport.abort()
