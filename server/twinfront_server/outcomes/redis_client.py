"""Has Redis or Valkey run scripts; keeps one connection, and makes another where that is lost or refuses something."""

import asyncio
import ssl
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from twinfront_program.startup_error import StartupError
from twinfront_server.outcomes.redis_connection import Answer, RedisConnection
from twinfront_server.outcomes.scripts import SCRIPTS, RedisError, Script
from twinfront_server.settings import Settings

FAILURES: Final = (RedisError, OSError)
"""The exceptions of what is not answered."""

_PORT: Final = 6379


class RedisClient:
    """Connects when it has to.

    A refusal ends the connection: a server that has become a replica, or has lost its scripts, is asked for anew, and
    the name may be another server's by then.

    Args:
        settings: where Redis is.
        patience: seconds that an answer is waited for, and the connection if there is none.

    Raises:
        StartupError: if a certificate cannot be read.
    """

    def __init__(self, settings: Settings, patience: float) -> None:
        self._url = urlsplit(settings.outcomes)
        self._host = self._url.hostname or ""
        self._tls = _tls(settings) if self._url.scheme == "rediss" else None
        self._patience = patience
        self._connection: RedisConnection | None = None
        self._connecting: asyncio.Task[RedisConnection] | None = None
        self._open: set[RedisConnection] = set()
        """All that have not ended: one that is of no use any more has questions that are not answered yet."""
        self._is_closed = False

    async def run(self, script: Script, key: bytes, *args: bytes | int) -> Any:
        """Gives what a script returns.

        Raises:
            RedisError: Redis refuses, or makes no sense.
            OSError: it cannot be reached, or does not answer in time.
        """
        sent = self.send(script, key, *args)
        if sent is not None:
            try:
                return await sent
            except RedisError as refusal:
                if not str(refusal).startswith("NOSCRIPT"):
                    raise
        async with asyncio.timeout(self._patience):
            connection = await self.connect()
            return await connection.ask(*_words(script, key, args))

    def send(self, script: Script, key: bytes, *args: bytes | int) -> Answer | None:
        """Has a script run before all that is sent later; None without a connection."""
        connection = self._usable()
        return None if connection is None else connection.ask(*_words(script, key, args))

    def send_later(self, script: Script, key: bytes, *args: bytes | int) -> Answer | None:
        """Has a script run as `send` does, but 2 ms later if nothing is sent before; that is cheaper."""
        connection = self._usable()
        return None if connection is None else connection.tell(*_words(script, key, args))

    async def connect(self) -> RedisConnection:
        """Gives the connection, over which Redis runs scripts; makes it if there is none.

        Raises:
            RedisError: Redis refuses, or makes no sense.
            OSError: it cannot be reached, or does not answer in time; or the client is closed.
        """
        if self._is_closed:
            raise ConnectionError("nothing is asked any more")
        if (connection := self._usable()) is not None:
            return connection
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._make_connection())
            self._connecting.add_done_callback(self._take_connection)
        return await asyncio.shield(self._connecting)

    async def close(self) -> None:
        """Ends all connections, each when all is answered or too late."""
        self._is_closed = True
        if self._connecting is not None:
            await asyncio.wait({self._connecting})
        await asyncio.gather(*(connection.close() for connection in self._open))

    def _usable(self) -> RedisConnection | None:
        return self._connection if self._connection is not None and self._connection.is_usable else None

    def _take_connection(self, made: "asyncio.Task[RedisConnection]") -> None:
        self._connecting = None
        if not made.cancelled() and made.exception() is None:
            self._connection = made.result()

    async def _make_connection(self) -> RedisConnection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience):
            try:
                _, connection = await loop.create_connection(
                    partial(RedisConnection, self._patience), self._host, self._url.port or _PORT, ssl=self._tls
                )
            except UnicodeError as error:
                raise ConnectionError(f"the name of the host is none: {error}") from error
            self._open.add(connection)
            connection.ended.add_done_callback(lambda _: self._open.discard(connection))
            try:
                await self._greet(connection)
            except BaseException:
                connection.abandon()
                raise
        return connection

    async def _greet(self, connection: RedisConnection) -> None:
        """Says who is calling, and what is going to be run, in one round trip."""
        greetings: list[tuple[str, Answer, bytes]] = []
        user, password = self._url.username, self._url.password
        if user or password:
            words = [unquote(word).encode() for word in ([user] if user else []) + [password or ""]]
            greetings.append(("AUTH", connection.ask(b"AUTH", *words), b"OK"))
        database = int(self._url.path.removeprefix("/") or 0)
        if database:
            greetings.append(("SELECT", connection.ask(b"SELECT", database), b"OK"))
        greetings.extend(
            ("SCRIPT LOAD", connection.ask(b"SCRIPT", b"LOAD", script.text.encode()), script.name) for script in SCRIPTS
        )
        answers = await asyncio.gather(*(answer for _, answer, _ in greetings), return_exceptions=True)
        for (command, _, expected), answer in zip(greetings, answers, strict=True):
            if isinstance(answer, RedisError):
                # No more than the code: the text may repeat what was sent, and a password is in that.
                raise RedisError(f"{command} is refused: {str(answer).partition(' ')[0]}") from None
            if isinstance(answer, BaseException):
                raise answer
            if answer != expected:
                raise RedisError(f"{command} is answered with what is no answer")


def _words(script: Script, key: bytes, args: tuple[bytes | int, ...]) -> tuple[bytes | int, ...]:
    return b"EVALSHA", script.name, 1, key, *args


def _tls(settings: Settings) -> ssl.SSLContext:
    files = {
        "--outcomes-ca": settings.outcomes_ca,
        "--outcomes-cert": settings.outcomes_cert,
        "--outcomes-key": settings.outcomes_key,
    }
    for flag, path in files.items():
        if path is not None:
            _require_readable(flag, path)
    try:
        context = ssl.create_default_context(cafile=settings.outcomes_ca)
        if settings.outcomes_cert is not None:
            context.load_cert_chain(settings.outcomes_cert, settings.outcomes_key)
    except ssl.SSLError as error:
        named = " or ".join(flag for flag, path in files.items() if path is not None)
        raise StartupError(f"{named}: a certificate, or its key, makes no sense: {error}") from error
    return context


def _require_readable(flag: str, path: str) -> None:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise StartupError(f"{flag}: {path} cannot be read: {error.strerror}") from error
