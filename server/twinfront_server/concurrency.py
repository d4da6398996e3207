"""Doing the same for many, some at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from twinfront_server.errors import TwinfrontError

T = TypeVar("T")


async def for_each(items: Sequence[T], concurrency: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Does the work for each item.

    Once it fails for one, it is not begun for any other, and goes on to its end where it is under way.

    Raises:
        TwinfrontError: the first that the work raised.
    """
    waiting = iter(items)
    failed: TwinfrontError | None = None

    async def worker() -> None:
        nonlocal failed
        for item in waiting:
            try:
                await work(item)
            except TwinfrontError as error:
                failed = failed or error
            if failed is not None:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(items))):
            group.create_task(worker())
    if failed is not None:
        raise failed
