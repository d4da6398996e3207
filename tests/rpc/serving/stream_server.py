"""A server for what is no gRPC, which leaves nothing behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """Has connections served, and gives the port; its clients have to be gone in the end.

    A connection may have been accepted in the last moment, so all tasks are waited for that have begun meanwhile.
    """
    before = asyncio.all_tasks()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    while begun := asyncio.all_tasks() - before:
        await asyncio.wait(begun)
