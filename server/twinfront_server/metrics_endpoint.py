"""`/metrics`, `/livez` and `/readyz` over HTTP, on a port and a thread of their own."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry

from twinfront_program.address import Address
from twinfront_program.startup_error import StartupError

_BACKLOG: Final = 128


class MetricsEndpoint:
    """Listens for whoever wants a page; the HTTP server is loaded when the first of them has connected.

    Loading it takes about as long as all else at the start of `twinfront serve`, and many a server is never asked. It
    runs in an event loop of its own: that the other one stands still is among what it has to tell.

    Args:
        registry: the metrics.
        is_live: tells whether the process does its work; if it does not, a restart helps.
        is_ready: tells whether calls may come.
        refuse: gives what is wrong with the `Authorization` headers of who wants the metrics, if anything is; None if
            they are for everybody.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        is_live: Callable[[], bool],
        is_ready: Callable[[], bool],
        refuse: Callable[[Sequence[str]], Coroutine[Any, Any, str | None]] | None = None,
    ) -> None:
        self._registry = registry
        self._refuse = refuse
        self._facts = {"/livez": is_live, "/readyz": is_ready}
        self._sockets: list[socket.socket] = []
        self._servers_loop: asyncio.AbstractEventLoop
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="twinfront-metrics", daemon=True)

    async def start(self, address: Address) -> Address:
        """Listens at the address and returns it with the real port.

        Raises:
            StartupError: if the port cannot be had.
        """
        loop = self._servers_loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, target in dict.fromkeys((family, target) for family, _, _, _, target in found):
                self._sockets.append(socket.create_server(target, family=family, backlog=_BACKLOG))
        except OSError as error:
            self._release()
            reason = error.strerror or str(error)
            raise StartupError(f"cannot listen on {address} (--metrics-listen): {reason}") from error
        self._thread.start()
        return address.with_port(self._sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stops serving."""
        self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())
        self._release()

    async def _refusal(self, headers: Sequence[str]) -> str | None:
        if self._refuse is None:
            return None
        # The keys that tokens are checked with are the other loop's.
        asked = asyncio.run_coroutine_threadsafe(self._refuse(headers), self._servers_loop)
        return await asyncio.wrap_future(asked)

    def _release(self) -> None:
        for listening in self._sockets:
            listening.close()
        self._loop.close()

    async def _serve(self) -> None:
        connected = asyncio.Event()
        for listening in self._sockets:
            self._loop.add_reader(listening, connected.set)
        waiting = {asyncio.create_task(connected.wait()), asyncio.create_task(self._stop.wait())}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        for listening in self._sockets:
            self._loop.remove_reader(listening)
        if self._stop.is_set():
            return
        from twinfront_server.metrics_page import serve_pages  # noqa: PLC0415  (see above)

        runner = await serve_pages(self._registry, self._facts, self._sockets, self._refusal)
        await self._stop.wait()
        await runner.cleanup()
