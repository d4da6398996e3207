"""Says what replicas tell each other about writes with a `request_id`: who carries one out, and how it ended."""

from dataclasses import dataclass
from typing import Final, Protocol

from twinfront_server.outcomes.outcome import Key, Outcome


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out a write.

    Attributes:
        earlier: seconds since another replica began to, of which nobody knows how far it came; None if none did.
    """

    earlier: float | None = None


UNCLAIMED: Final = Claim()
"""Of a write of which no replica is known to have begun it."""


class OutcomeStore(Protocol):
    """Tells replicas of each other's writes.

    It fails no call: what it cannot do is as if there were no other replica.
    """

    async def claim(self, key: Key, fingerprint: bytes) -> Claim | Outcome:
        """Gives the right to carry out a write, or how it ended; waits while another replica is at it.

        Raises:
            TwinfrontError: the key is that of another request.
        """

    async def keep(self, key: Key, outcome: Outcome) -> None:
        """Tells how a claimed write ended."""

    async def release(self, key: Key, claim: Claim) -> None:
        """Tells that a write was not done under this claim, and may be begun anew.

        What another replica had begun before stays known: whether that was applied is as open as it was.
        """

    async def close(self) -> None:
        """Ends all connections."""


class Unshared:
    """Tells nobody anything: for a server that is alone, or whose replicas do not know of each other."""

    async def claim(self, _key: Key, _fingerprint: bytes) -> Claim | Outcome:
        """Gives the right at once."""
        return UNCLAIMED

    async def keep(self, key: Key, outcome: Outcome) -> None:
        """Does nothing."""

    async def release(self, key: Key, _claim: Claim) -> None:
        """Does nothing."""

    async def close(self) -> None:
        """Does nothing."""
