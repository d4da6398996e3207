"""Begins a watch when the source has all that was written: an event route takes its time."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio

from localtwins import LocalTwins
from twinfront_server.app import App

SECONDS = 20.0


class Settling(grpc.aio.UnaryStreamClientInterceptor, grpc.aio.UnaryUnaryClientInterceptor):
    """Waits, before the source is asked for anything, until the event route has brought there what was written.

    Args:
        server: has the embedded service.
    """

    def __init__(self, server: App) -> None:
        self._server = server

    async def intercept_unary_stream(
        self, continuation: Callable[[Any, Any], Any], details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        await self._settle(details)
        return await continuation(details, request)

    async def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        await self._settle(details)
        return await continuation(details, request)

    async def _settle(self, details: grpc.aio.ClientCallDetails) -> None:
        if "ChangeService" not in str(details.method):
            return
        close: Any = self._server.upstream._on_close
        service: LocalTwins = close.__self__
        newest = service.changes.extent().newest
        async with asyncio.timeout(SECONDS):
            while any(route.position < newest for route in service._delivery._running.values()):
                await asyncio.sleep(0.005)
