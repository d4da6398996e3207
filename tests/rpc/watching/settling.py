"""Begins a watch when the source has all that was written: an event route takes its time."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio

from localtwins import LocalTwins
from twinfront_server.app import App

SECONDS = 20.0


async def settle(server: App) -> None:
    """Waits until the event route has brought to the source what was written."""
    close: Any = server.upstream._on_close
    service: LocalTwins = close.__self__
    newest = service.changes.extent().newest
    async with asyncio.timeout(SECONDS):
        while any(route.position < newest for route in service._delivery._running.values()):
            await asyncio.sleep(0.005)


class SettledWatches(grpc.aio.UnaryStreamClientInterceptor):
    """Lets a watch begin when the source has all that was written before."""

    def __init__(self, server: App) -> None:
        self._server = server

    async def intercept_unary_stream(
        self, continuation: Callable[[Any, Any], Any], details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        if "/Watch" in str(details.method):
            await settle(self._server)
        return await continuation(details, request)


class SettledLog(grpc.aio.UnaryUnaryClientInterceptor):
    """Lets the log be asked for when the source has all that was written before."""

    def __init__(self, server: App) -> None:
        self._server = server

    async def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        if "/GetChangeLog" in str(details.method):
            await settle(self._server)
        return await continuation(details, request)
