"""Holds the keys of tokens, and follows the issuer when it changes them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from twinfront_program.log import Log
from twinfront_server.access.key_set import KeySet, VerificationKey
from twinfront_server.access.key_source import KeySource, KeysUnavailableError
from twinfront_server.metrics import Metrics

REFRESH_SECONDS: Final = 300.0
"""How often keys are read anew. A key that the issuer withdraws is good for that long yet: 5 minutes."""

PAUSE_SECONDS: Final = 5.0
"""The least time between two reads, however many tokens name keys that are not known."""

MAX_WAITING: Final = 1000
"""Callers who wait for a read at a time; beyond that tokens with unknown keys are refused at once."""

RETRY_SECONDS: Final = 30.0
"""How soon after a read that failed the next one comes."""


class Keys:
    """The keys as they were last read. A read never keeps those waiting who need a key that is there.

    Attributes:
        current: the keys.
        changes: how often they have changed since the start.

    Args:
        source: where they come from.
        first: those that were read at the start.
        metrics: counts reads, and shows when the last one was.
        log: where it is said that keys changed, or could not be read.
        clock: the time in seconds.
    """

    def __init__(
        self,
        source: KeySource,
        first: KeySet,
        metrics: Metrics,
        log: Log,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.current = first
        self.changes = 0
        self._source = source
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._read_at = -PAUSE_SECONDS
        self._reading: asyncio.Task[bool] | None = None
        self._waiting = 0
        metrics.keys_read("read")

    async def find(self, key_id: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """Gives the keys that a token may be signed with; the set is read anew if it lacks the key that is named."""
        found = self.current.find(key_id, algorithm)
        if found or self.current.knows(key_id):
            return found
        may_help = self._reading is not None or self._clock() - self._read_at >= PAUSE_SECONDS
        if may_help and self._waiting < MAX_WAITING:
            self._waiting += 1
            try:
                await self.refresh()
            finally:
                self._waiting -= 1
        return self.current.find(key_id, algorithm)

    async def follow(self) -> None:
        """Reads the keys anew for ever, until cancelled."""
        is_fresh = True
        while True:
            await asyncio.sleep(REFRESH_SECONDS if is_fresh else RETRY_SECONDS)
            is_fresh = await self.refresh()

    async def refresh(self) -> bool:
        """Reads the keys anew, or waits for who is at it; tells whether they could be read.

        What could not be read leaves things as they are: callers are known by the keys of before.
        """
        if self._reading is None:
            self._read_at = self._clock()
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._done)
        return await asyncio.shield(self._reading)

    def _done(self, _reading: "asyncio.Task[bool]") -> None:
        self._reading = None

    async def _read(self) -> bool:
        try:
            read = await self._source.read()
        except KeysUnavailableError as error:
            self._metrics.keys_read("failed")
            self._log.warning("the keys of tokens could not be read, those of before stay", error=str(error))
            return False
        except Exception:  # noqa: BLE001  (a defect: it must not end the following of keys)
            self._metrics.keys_read("failed")
            self._log.exception("the keys of tokens could not be read, those of before stay")
            return False
        self._metrics.keys_read("read")
        if read.fingerprint != self.current.fingerprint:
            self.current = read
            self.changes += 1
            self._log.info("the keys of tokens changed", keys=len(read.keys), left_out=read.left_out)
        return True
