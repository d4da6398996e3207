"""Calls whose attempts end one after the other as their name says, and what was noticed of them."""

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import ABORTED, UNAVAILABLE
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from .errors import info, packed


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt that is refused."""

    status: Status
    trailers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    """The time before which the next attempt must not come."""


Ending: TypeAlias = Refusal | Literal["lost", "done"]
"""How an attempt ends; one that is lost ends with its connection."""


def _unavailable(reason: str, wait: float = 0, **trailers: str) -> Refusal:
    delay = Duration()
    delay.FromNanoseconds(int(wait * 1e9))
    details = [packed(RetryInfo(retry_delay=delay))] if wait else []
    named = {name.replace("_", "-"): value for name, value in trailers.items()}
    return Refusal(Status(code=UNAVAILABLE, message="No.", details=[info(reason), *details]), named, wait)


_CONFLICT: Final = Status(code=ABORTED, message="No.", details=[info("ETAG_MISMATCH")])

ENDINGS: Final[Mapping[str, Sequence[Ending]]] = {
    "lost-then-done": ["lost", "done"],
    "lost-often-then-done": ["lost", "lost", "lost", "lost", "done"],
    "always-lost": ["lost"],
    "lost-then-conflict": ["lost", Refusal(_CONFLICT)],
    "lost-then-its-own-conflict": ["lost", Refusal(_CONFLICT, {"twinfront-replayed": "true"})],
    "lost-then-draining-then-done": ["lost", *[_unavailable("SERVER_DRAINING")] * 6, "done"],
    "draining-then-done": [*[_unavailable("SERVER_DRAINING")] * 7, "done"],
    "always-draining": [_unavailable("SERVER_DRAINING")],
    "away-then-done": [*[_unavailable("UPSTREAM_UNAVAILABLE")] * 4, "done"],
    "always-away": [_unavailable("UPSTREAM_UNAVAILABLE")],
    "always-away-for-long": [_unavailable("UPSTREAM_UNAVAILABLE", 10)],
    "away-for-300-ms": [
        *[_unavailable("UPSTREAM_UNAVAILABLE", 0.3, grpc_retry_pushback_ms="300")] * 2,
        "done",
    ],
    "away-for-good": [_unavailable("UPSTREAM_UNAVAILABLE", 0.1, grpc_retry_pushback_ms="-1")],
    "always-unauthorizable": [_unavailable("AUTHORIZER_UNAVAILABLE")],
    "always-unavailable-somehow": [_unavailable("SOMETHING_NEW")],
}
"""How the attempts at a call end, by the name that is in the twin's id; the last one goes on for ever."""


@dataclass(slots=True)
class Noticed:
    """The attempts at one call, or at all that were about one twin."""

    count: int = 0
    request_ids: set[str] = field(default_factory=set)
    is_too_soon: bool = False
    not_before: float = 0


class Attempts:
    """Counts attempts, and says how they end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noticed: defaultdict[str, Noticed] = defaultdict(Noticed)

    def noticed(self, digital_twin_id: str) -> Noticed:
        """Gives what was noticed of the attempts at calls about a twin."""
        with self._lock:
            return self._noticed[digital_twin_id]

    def next(self, name: str, digital_twin_id: str, request_id: str = "") -> Ending:
        """Counts an attempt and gives its ending."""
        endings = ENDINGS[name]
        with self._lock:
            noticed = self._noticed[digital_twin_id]
            ending = endings[min(noticed.count, len(endings) - 1)]
            noticed.count += 1
            noticed.request_ids.add(request_id)
            noticed.is_too_soon |= time.monotonic() < noticed.not_before
            noticed.not_before = time.monotonic() + ending.seconds if isinstance(ending, Refusal) else 0
        return ending


def trailing_metadata(refusal: Refusal) -> tuple[tuple[str, str | bytes], ...]:
    """Gives the trailers of a refusal, with its status."""
    return (("grpc-status-details-bin", refusal.status.SerializeToString()), *refusal.trailers.items())
