"""`/metrics` over HTTP, on a port of its own."""

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from twinfront_server.address import Address
from twinfront_server.errors import StartupError

_log = logging.getLogger(__name__)


def _is_fault(record: logging.LogRecord) -> bool:
    """Whether a line of aiohttp's is about this server: what is no HTTP is answered, and is nobody's story to read."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_log.addFilter(_is_fault)


class MetricsEndpoint:
    """An HTTP server with the one page `/metrics`; 404 elsewhere."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        application = web.Application()
        application.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, logger=_log)

    async def start(self, address: Address) -> Address:
        """Serves at the address and returns it with the real port.

        Raises:
            StartupError: if the port cannot be had.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, address.host, address.port).start()
        except OSError as error:
            await self._runner.cleanup()
            reason = error.strerror or str(error)
            raise StartupError(f"cannot listen on {address} (--metrics-listen): {reason}") from error
        return address.with_port(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stops serving."""
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        # Writing the page takes milliseconds that calls on the event loop should not wait for.
        body = await asyncio.to_thread(encode, self._registry)
        return web.Response(body=body, headers={"Content-Type": content_type})
