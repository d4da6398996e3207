"""`/metrics` over HTTP, on a port of its own."""

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from twinfront_program.address import Address
from twinfront_program.startup_error import StartupError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aiohttp.web import AppRunner

_BACKLOG: Final = 128


class MetricsEndpoint:
    """Listens for whoever wants the page; the HTTP server is loaded when the first of them has connected.

    Loading it takes about as long as all else at the start of `twinfront serve`, and many a server is never asked.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._sockets: list[socket.socket] = []
        self._serving: asyncio.Task[AppRunner] | None = None

    async def start(self, address: Address) -> Address:
        """Listens at the address and returns it with the real port.

        Raises:
            StartupError: if the port cannot be had.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, target in dict.fromkeys((family, target) for family, _, _, _, target in found):
                self._sockets.append(socket.create_server(target, family=family, backlog=_BACKLOG))
        except OSError as error:
            await self.close()
            reason = error.strerror or str(error)
            raise StartupError(f"cannot listen on {address} (--metrics-listen): {reason}") from error
        for listening in self._sockets:
            loop.add_reader(listening, self._connected)
        return address.with_port(self._sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stops serving."""
        if self._serving is not None:
            await (await self._serving).cleanup()
            return
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()

    def _connected(self) -> None:
        """Hands the sockets, where a connection waits, to the HTTP server."""
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> "AppRunner":
        serve_page = await asyncio.to_thread(_load)
        return await serve_page(self._registry, self._sockets)


def _load() -> "Callable[[CollectorRegistry, Sequence[socket.socket]], Awaitable[AppRunner]]":
    from twinfront_server.metrics_page import serve_page  # noqa: PLC0415  (see above)

    return serve_page
