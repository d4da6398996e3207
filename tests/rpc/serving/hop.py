"""A TCP hop before an upstream, like a load balancer, that can be told to have nobody behind it."""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Self


def _abort(writer: asyncio.StreamWriter) -> None:
    """Ends a connection in the way that the other side sees as "reset by peer"."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Hop:
    """Passes connections on, in a thread of its own; `with Hop(port) as hop`.

    Args:
        upstream_port: where to.
        host: whose connections they are for the server there; another one of 127.0.0.0/8 is another host.

    Attributes:
        port: where it listens.
        resets: how many connections it has reset.
    """

    def __init__(self, upstream_port: int, host: str = "127.0.0.1") -> None:
        self.port = 0
        self.resets = 0
        self._upstream_port = upstream_port
        self._host = host
        self._is_resetting = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._pass_on, "127.0.0.1", 0, backlog=500), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def reset(self) -> None:
        """Resets all connections, and from here on each new one as soon as it is there."""
        self._is_resetting = True
        self._loop.call_soon_threadsafe(self._reset_all)

    def pass_on(self) -> None:
        """Passes new connections on again."""
        self._is_resetting = False

    def _reset_all(self) -> None:
        for writer in self._open:
            _abort(writer)

    async def _close(self) -> None:
        self._server.close()
        self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_resetting:
            self.resets += 1
            _abort(writer)
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(
                "127.0.0.1", self._upstream_port, local_addr=(self._host, 0)
            )
        except OSError:  # nobody is there
            _abort(writer)
            return
        ends = {writer, upstream_writer}
        self._open |= ends
        try:
            await asyncio.gather(_pump(reader, upstream_writer), _pump(upstream_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
