"""Ends what runs beside a call or beside the server."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


async def end(task: "asyncio.Future[Any]") -> None:
    """Cancels a task and waits until it has ended."""
    task.cancel()
    await asyncio.wait({task})


async def end_unheard(task: "asyncio.Future[Any]") -> None:
    """Cancels a task whose result nobody is left to be told of, and waits until it has ended.

    Of an exception that `end` leaves with the task, asyncio would log that nobody looked at it.
    """
    await end(task)
    if not task.cancelled():
        task.exception()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Has something run for the time of a block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await end(task)
