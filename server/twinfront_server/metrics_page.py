"""The HTTP server with the page `/metrics`; apart from its endpoint, since its library loads slowly."""

import asyncio
import logging
import socket
from collections.abc import Iterable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_log = logging.getLogger(__name__)


def _is_fault(record: logging.LogRecord) -> bool:
    """Tells whether a line of aiohttp's is about this server: what is no HTTP is answered, and is nobody's to read."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_log.addFilter(_is_fault)


async def serve_page(registry: CollectorRegistry, sockets: Iterable[socket.socket]) -> web.AppRunner:
    """Answers `/metrics` with the registry, and all else with 404, to whoever connects to sockets that listen."""

    async def page(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        # Writing the page takes milliseconds that calls on the event loop should not wait for.
        body = await asyncio.to_thread(encode, registry)
        return web.Response(body=body, headers={"Content-Type": content_type})

    application = web.Application()
    application.router.add_get("/metrics", page)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, logger=_log)
    await runner.setup()
    for listening in sockets:
        await web.SockSite(runner, listening).start()
    return runner
