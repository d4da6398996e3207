"""The HTTP server with the pages of the endpoint; apart from that, since its library loads slowly."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_log = logging.getLogger(__name__)


def _is_fault(record: logging.LogRecord) -> bool:
    """Tells whether a line of aiohttp's is about this server: what is no HTTP is answered, and is nobody's to read."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


_log.addFilter(_is_fault)


async def serve_pages(
    registry: CollectorRegistry,
    facts: Mapping[str, Callable[[], bool]],
    sockets: Iterable[socket.socket],
    refuse: Callable[[Sequence[str]], Awaitable[str | None]],
) -> web.AppRunner:
    """Answers whoever connects to sockets that listen.

    Args:
        registry: the metrics, at `/metrics`.
        facts: what holds or not, by path, answered with 200 or 503.
        sockets: where to listen.
        refuse: gives what is wrong with the `Authorization` headers of who wants the metrics, if anything is.
    """

    async def metrics(request: web.Request) -> web.Response:
        refusal = await refuse(request.headers.getall("Authorization", []))
        if refusal:
            return web.Response(status=401, text=f"{refusal}\n", headers={"WWW-Authenticate": "Bearer"})
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        # Writing the page takes milliseconds that a probe should not wait for.
        body = await asyncio.to_thread(encode, registry)
        return web.Response(body=body, headers={"Content-Type": content_type})

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    for path, holds in facts.items():
        application.router.add_get(path, _told(holds))
    runner = web.AppRunner(application, access_log=None, handle_signals=False, logger=_log)
    await runner.setup()
    for listening in sockets:
        await web.SockSite(runner, listening).start()
    return runner


def _told(holds: Callable[[], bool]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n") if holds() else web.Response(text="no\n", status=503)

    return answer
