"""Holds the keys of tokens, and follows the issuer when it changes them."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from twinfront_program.log import Log
from twinfront_server.access.key_set import KeySet, VerificationKey
from twinfront_server.access.key_source import KeySource, KeysUnavailableError
from twinfront_server.errors import limit_reached_for_now
from twinfront_server.metrics import Metrics

REFRESH_SECONDS: Final = 300.0
"""How often keys are read anew. A key that the issuer withdraws is good for that long yet: 5 minutes."""

PAUSE_SECONDS: Final = 1.0
"""The least time between the beginnings of two reads, however many tokens name keys that are not known."""

MAX_WAITING: Final = 1000
"""Callers who wait for a read at a time; further ones are told to come again."""

ABSENT_SECONDS: Final = 5.0
"""How long a name that was looked for in vain is not looked for again, though others may be."""

MAX_ABSENT: Final = 1000
"""Such names that are remembered."""

RETRY_SECONDS: Final = 30.0
"""How soon after a read that failed the next one comes."""


class Keys:
    """The keys as they were last read. A read never keeps those waiting who need a key that is there.

    Who names a key that is not there waits for a read that begins after he came, for only that one is sure to have
    what the issuer had by then. All who wait share it, so any number of names costs one read a second:

        read          |=====|     |=====|
        came     a, b     c, d                 a and b wait for the first read, c and d for the second

    Attributes:
        current: the keys.
        changes: how often they have changed since the start.

    Args:
        source: where they come from.
        first: those that were read at the start.
        metrics: counts reads, and shows when the last one was.
        log: where it is said that keys changed, or could not be read.
    """

    def __init__(self, source: KeySource, first: KeySet, metrics: Metrics, log: Log) -> None:
        self.current = first
        self.changes = 0
        self._source = source
        self._metrics = metrics
        self._log = log
        self._begun = self._begun_of_last_ended = -math.inf
        self._reading: asyncio.Task[bool] | None = None
        self._waiting = 0
        self._absent: OrderedDict[str | None, float] = OrderedDict()
        metrics.keys_read("read")

    def find(self, key_id: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """Gives the keys that a token may be signed with, of those that are there."""
        return self.current.find(key_id, algorithm)

    def lacks(self, key_id: str | None) -> bool:
        """Tells whether a key of this name is not there, and may be worth looking for."""
        return not self.current.knows(key_id) and self._absent.get(key_id, -math.inf) < _now()

    async def look_for(self, key_id: str | None) -> None:
        """Waits until a key is there, or the issuer does not have it.

        Raises:
            TwinfrontError: LIMIT_REACHED, as too many callers wait already.
        """
        came = _now()
        if self._waiting >= MAX_WAITING:
            self._metrics.limited("unknown_keys")
            raise limit_reached_for_now(
                "unknown_keys", "Too many callers wait for keys that this server does not know yet.", PAUSE_SECONDS
            )
        self._waiting += 1
        try:
            while self._begun_of_last_ended < came and not self.current.knows(key_id):
                await self.refresh()
        finally:
            self._waiting -= 1
        if not self.current.knows(key_id):
            self._absent[key_id] = _now() + ABSENT_SECONDS
            self._absent.move_to_end(key_id)
            if len(self._absent) > MAX_ABSENT:
                self._absent.popitem(last=False)

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
        # One that has just ended is over, though who waited for it has not been told yet.
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_after_a_pause())
        return await asyncio.shield(self._reading)

    async def _read_after_a_pause(self) -> bool:
        await asyncio.sleep(self._begun + PAUSE_SECONDS - _now())
        self._begun = begun = _now()
        try:
            return await self._read()
        finally:
            self._begun_of_last_ended = begun

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


def _now() -> float:
    return asyncio.get_running_loop().time()
