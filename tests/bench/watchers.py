"""Holds watches open, and counts what they are told: `watchers.py ADDRESS COUNT PART CHECKPOINT-SECONDS`.

Of `PART` watches each change of the benchmark's twins goes to one; with 1 all get all, with 0 none gets any. The
program says "ready" once all have been told something, and how much has come for each line that it is sent.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from typing import Any, Final

import grpc.aio
import workload

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON

_WATCHES_A_CONNECTION: Final = 50
_BEGINNING: Final = 100
"""How many begin at a time."""


class Watches:
    """Watches that count."""

    def __init__(self, part: int, checkpoint_seconds: int) -> None:
        self.told = 0
        self._part = part
        self._checkpoint_seconds = checkpoint_seconds
        self._beginning = asyncio.Semaphore(_BEGINNING)

    async def watch(self, stub: Any, number: int, begun: asyncio.Queue[int]) -> None:
        """Reads one, and says when that has begun."""
        request = messages.WatchRequest(filter=self._filter(number), representation=REPRESENTATION_JSON)
        request.checkpoint_interval.FromSeconds(self._checkpoint_seconds)
        async with self._beginning:
            told = aiter(stub.Watch(request))
            await anext(told)
        begun.put_nowait(number)
        async for message in told:
            self.told += len(message.changes.changes)

    def _filter(self, number: int) -> messages.ChangeFilter:
        if self._part == 1:
            return messages.ChangeFilter()
        if self._part == 0:
            return messages.ChangeFilter(digital_twin_ids=[f"nobody{number}"])
        ids = map(workload.name_of, range(number % self._part, workload.TWINS, self._part))
        return messages.ChangeFilter(digital_twin_ids=ids)


def _fail(task: asyncio.Task[None]) -> None:
    """Ends the program if a watch has ended."""
    if not task.cancelled() and task.exception() is not None:
        print(task.exception(), file=sys.stderr, flush=True)
        os._exit(1)


async def main(address: str, count: str, part: str, checkpoint_seconds: str) -> None:
    """Opens all, and answers lines until there are no more."""
    watches = Watches(int(part), int(checkpoint_seconds))
    begun: asyncio.Queue[int] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        tasks: list[asyncio.Task[None]] = []
        for first in range(0, int(count), _WATCHES_A_CONNECTION):
            options = [("grpc.use_local_subchannel_pool", 1)]
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=options))
            stub = ChangeServiceStub(channel)
            numbers = range(first, min(first + _WATCHES_A_CONNECTION, int(count)))
            tasks += [asyncio.create_task(watches.watch(stub, number, begun)) for number in numbers]
        for task in tasks:
            task.add_done_callback(_fail)
        for _ in tasks:
            await begun.get()
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(watches.told, flush=True)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
