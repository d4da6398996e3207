"""The ability of the database to take writes: lost with a refused write, and found again by trials when nobody writes.

Whoever looks after the service has to hear of a full disk, and hear when it is over without having to write.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from localtwins.store.transaction import Transaction

TRIED_EVERY: Final = 1.0
"""Seconds between two trials."""

_TRIED_BYTES: Final = 1 << 16
"""More than a single write is likely to need: nothing is gained by taking writes for a moment."""

Write = Callable[[Callable[[Transaction], None]], Awaitable[None]]


class Writability:
    """Knows whether the last write was refused for want of storage, and tries until one succeeds.

    Args:
        write: runs a trial.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._trying: asyncio.Task[None] | None = None

    @property
    def refused(self) -> bool:
        """Tells whether writes are refused at the moment."""
        return self._trying is not None

    def note_refusal(self) -> None:
        """Takes note that a write met a storage error."""
        if self._trying is None:
            self._trying = asyncio.get_running_loop().create_task(self._try())

    async def close(self) -> None:
        """Ends the trials."""
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait({self._trying})

    async def _try(self) -> None:
        while True:
            await asyncio.sleep(TRIED_EVERY)
            with suppress(sqlite3.Error):
                # Each is on disk before the next begins: pages given back in the same commit would not be written.
                await self._write(_fill)
                await self._write(_clear)
                self._trying = None
                return


def _fill(transaction: Transaction) -> None:
    transaction.end_trial()
    transaction.try_storage(_TRIED_BYTES)


def _clear(transaction: Transaction) -> None:
    transaction.end_trial()
