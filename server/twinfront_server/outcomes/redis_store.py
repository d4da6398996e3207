"""Shares outcomes through Redis or Valkey.

Each write is a hash under a name of its own, which its caller, method and `request_id` make; it goes after ten minutes.

    fingerprint   of the request
    since         when it was begun, in milliseconds by the clock of Redis
    owner, lease  the process that carries it out, and until when that is taken for alive; renewed as long as it is
    type, data    the outcome, once there is one
    pushback

Scripts keep what belongs together together, and make of each step one round trip. A write waits for the first, which
tells whether it may begin. How it ended is sent with what is asked next, or 2 ms later, and nobody waits for what Redis
says to that: until it is there, the write counts as one that its replica is still at. A repetition elsewhere waits for
it, or settles what was left by a replica that was killed in that very moment.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson
from prometheus_client import Counter

from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError
from twinfront_server.background import end
from twinfront_server.errors import outcome_unknown
from twinfront_server.outcomes.encoding import Encoded, decoded, encoded
from twinfront_server.outcomes.outcome import KEPT_SECONDS, Key, Outcome, other_request
from twinfront_server.outcomes.scripts import CLAIM, KEEP, RELEASE, RENEW, Script, require_claim_answer
from twinfront_server.outcomes.short_circuit import ShortCircuit
from twinfront_server.outcomes.store import UNCLAIMED, Claim
from twinfront_server.settings import Settings

if TYPE_CHECKING:
    from twinfront_server.outcomes.redis_client import RedisClient
    from twinfront_server.outcomes.redis_connection import Answer

LEASE_SECONDS: Final = 5.0
"""How long a process that is not heard of is taken for alive."""

_PREFIX: Final = b"twinfront:outcome:1:"
"""Begins all names; the number is that of this form. Another form has another number, and does not know this one."""

_LOOKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds between two looks at what another replica is doing, the last one again and again."""

_Send: TypeAlias = "Callable[..., Answer | None]"

_KEPT: Final = int(KEPT_SECONDS * 1000)
_LEASE: Final = int(LEASE_SECONDS * 1000)


class RedisOutcomes:
    """An `OutcomeStore` of all processes that use the same database.

    Args:
        redis: the client.
        circuit: bounds what its failures cost.
    """

    def __init__(self, redis: "RedisClient", circuit: ShortCircuit) -> None:
        self._redis = redis
        self._circuit = circuit
        self._owner = secrets.token_bytes(16)
        self._held: dict[Key, bytes] = {}  # the names of the writes that are claimed
        self._renewing = asyncio.create_task(self._stay_in_touch())

    async def claim(self, key: Key, fingerprint: bytes) -> Claim | Outcome:
        """Gives the right to carry out a write, or how it ended; waits while another replica is at it.

        Once a replica is known to have begun, the claim says so, whatever becomes of Redis meanwhile.
        """
        name, loop, begun = _name(key), asyncio.get_running_loop(), None
        for look in count():
            match await self._circuit.ask(
                lambda: self._redis.run(CLAIM, name, fingerprint, self._owner, _LEASE, _KEPT), require_claim_answer
            ):
                case [b"ended", known, *written]:
                    _require_same(known, fingerprint)
                    return _read(fingerprint, written)
                case [b"pending", known, age]:
                    _require_same(known, fingerprint)
                    begun = loop.time() - age / 1000
                    await asyncio.sleep(_LOOKS[min(look, len(_LOOKS) - 1)])
                    continue
                case [b"left", _, age]:
                    begun = loop.time() - age / 1000
                    self._held[key] = name
                case [b"claimed"]:
                    self._held[key] = name
            break
        return UNCLAIMED if begun is None else Claim(loop.time() - begun)

    async def keep(self, key: Key, outcome: Outcome) -> None:
        """Tells how a claimed write ended."""
        name = self._held.pop(key, None) or _name(key)
        written = encoded(outcome)
        # A repetition elsewhere looks again in 10 ms, and what it finds is the same.
        await self._tell(
            self._redis.send_later, KEEP, name, outcome.fingerprint, written.type, written.data, written.pushback, _KEPT
        )

    async def release(self, key: Key, claim: Claim) -> None:
        """Tells that a write was not done under this claim, and may be begun anew."""
        name = self._held.pop(key, None) or _name(key)
        if claim.earlier is None:
            await self._tell(self._redis.send, RELEASE, name, self._owner)
        else:  # whoever comes next is to know that it was begun, and has nobody to wait for
            await self._tell(self._redis.send, RENEW, name, self._owner, 0)

    async def close(self) -> None:
        """Ends all connections."""
        await end(self._renewing)
        await self._redis.close()

    async def _tell(self, send: _Send, script: Script, name: bytes, *args: bytes | int) -> None:
        """Has a script run before all that is asked later; waits only where there is no connection."""
        if not self._circuit.begin(lambda: send(script, name, *args)):
            await self._circuit.ask(lambda: self._redis.run(script, name, *args))

    async def _stay_in_touch(self) -> None:
        """Connects, for the first writes to find the connection there, and renews leases for ever."""
        await self._circuit.ask(self._redis.connect)
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            for name in tuple(self._held.values()):
                await self._tell(self._redis.send, RENEW, name, self._owner, _LEASE)


def open_redis_outcomes(settings: Settings, unanswered: Counter, log: Log) -> RedisOutcomes:
    """Makes the store that the settings name, which connects by itself; whether it can is not waited for.

    Raises:
        StartupError: if the library is not installed, or a certificate cannot be read.
    """
    try:
        from twinfront_server.outcomes import redis_client  # noqa: PLC0415  (imports the library, of an extra)
    except ImportError as error:
        raise StartupError("--outcomes needs the library for Redis: pip install 'twinfront[redis]'") from error
    circuit = ShortCircuit("the store of outcomes", redis_client.FAILURES, unanswered, log)
    return RedisOutcomes(redis_client.RedisClient(settings, settings.outcomes_timeout), circuit)


def _name(key: Key) -> bytes:
    """Makes a name of one size that tells nothing of the caller."""
    return _PREFIX + sha256(orjson.dumps(key)).hexdigest().encode()


def _require_same(known: bytes, fingerprint: bytes) -> None:
    if known != fingerprint:
        raise other_request()


def _read(fingerprint: bytes, written: list[Any]) -> Outcome:
    with suppress(ValueError):
        match written:
            case bytes() as kind, bytes() as data, bytes() as pushback:
                return decoded(fingerprint, Encoded(kind, data, pushback))
    return Outcome.of_error(
        fingerprint,
        outcome_unknown(
            "This write has ended at a replica of another version, whose record of it cannot be read: "
            "read what it writes to before writing again."
        ),
    )
