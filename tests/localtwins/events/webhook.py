"""A webhook that keeps what is posted to it, and answers as it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

Answer = Callable[[dict[str, Any]], Awaitable[int]]


class Webhook:
    """Takes events at `url`; `answer` gives the status for each, and those that it answers with 200 are `taken`."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.seen: list[dict[str, Any]] = []
        self.content_types: set[str] = set()
        self.answer: Answer = self.take
        application = web.Application()
        application.router.add_post("/events", self._post)
        self._runner = web.AppRunner(application, shutdown_timeout=0)
        self.url = ""
        self.port = 0

    async def take(self, _event: dict[str, Any]) -> int:
        return 200

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/events"
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        event = await request.json()
        self.content_types.add(request.headers["Content-Type"])
        self.seen.append(event)
        status = await self.answer(event)
        if status == 200:
            self.taken.append(event)
        return web.Response(status=status)

    async def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Give what was taken, once that are so many events."""
        async with asyncio.timeout(20):
            while len(self.taken) < count:
                await asyncio.sleep(0.005)
        return self.taken
