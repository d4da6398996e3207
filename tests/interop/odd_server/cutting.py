"""A proxy that cuts connections when it is told to."""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Any, Final, Literal, Self

Cut = Literal["rst", "fin"]
"""How a connection ends: as if the peer had died, or as if it had hung up."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_CHUNK: Final = 1 << 16


class CuttingProxy:
    """Passes on connections to a port of this machine, on a thread of its own, while its block lasts."""

    def __init__(self, port: int) -> None:
        self.address = ""
        self._port = port
        self._callers: dict[int, asyncio.StreamWriter] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, peer: str, how: Cut) -> None:
        """Ends the connection of a call, whose peer is as the server tells it: `ipv4:127.0.0.1:41234`."""
        asyncio.run_coroutine_threadsafe(self._cut(int(peer.rpartition(":")[2]), how), self._loop).result()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._pass_on, "127.0.0.1", 0)

    async def _pass_on(self, from_caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        own_port = to_server.get_extra_info("sockname")[1]
        self._callers[own_port] = to_caller
        both = [
            asyncio.ensure_future(_pump(from_caller, to_server)),
            asyncio.ensure_future(_pump(from_server, to_caller)),
        ]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for pump in both:
            pump.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        del self._callers[own_port]
        to_server.close()
        to_caller.close()

    async def _cut(self, port: int, how: Cut) -> None:
        caller = self._callers.get(port)
        if caller is None:
            return  # another call on the connection was quicker
        if how == "rst":
            connection: socket.socket = caller.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            caller.transport.abort()
        else:
            caller.close()

    async def _end(self) -> None:
        self._server.close()
        for caller in self._callers.values():
            caller.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


async def _pump(reader: Any, writer: Any) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
