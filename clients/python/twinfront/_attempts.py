"""The attempts at one call: which failure is followed by another one, and what the call ends with.

| an attempt that …                   | has done        | is followed by another one                    |
| ----------------------------------- | --------------- | --------------------------------------------- |
| is told SERVER_DRAINING             | nothing         | while there is time                           |
| finds no connection                 | nothing         | while there is time, once the server was seen |
| is told UPSTREAM_UNAVAILABLE,       | nothing         | four times                                    |
|   or AUTHORIZER_UNAVAILABLE         |                 |                                               |
| loses its connection                | all, or nothing | four times, if the call bears that            |
| ends with anything else             | what that says  | never                                         |

A server that forbids another attempt (`grpc-retry-pushback-ms`) is obeyed, and one that asks to wait is waited for.

Of reads, the channel makes these four attempts itself, and those after throttling too: the service config says so. A
stream that breaks is asked for from where it broke, and begins to count anew whenever it has brought something.

A call bears it if it has a `request_id`, the same each time: a server that knows it answers with the outcome of the
first attempt. Another server, or the same after a restart, does not know it, and applies the write. That is no harm if
the write ends in the same state twice; but if it is refused then, that may be for what its own first attempt did. Say,
it is under an etag, was applied, and its answer was lost: the etag is another one by now. So after a lost answer only a
success counts, or an answer that is marked as the first one's; else the call ends with the loss, unless its time ended
or the caller ended it, which says as little of what it has done.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast
from uuid import uuid4

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

from twinfront._retry import ATTEMPTS, pause
from twinfront.errors import (
    CallCancelledError,
    DeadlineExceededError,
    ThrottledError,
    TwinfrontError,
    UnavailableError,
    trailer,
)
from twinfront.v1.json_patch_pb2 import JsonPatchOperation

_MOST_ATTEMPTS: Final[dict[str, int | None]] = {
    # begin reasons: made by clients/reasons.py; do not edit
    "SERVER_DRAINING": None,
    "UPSTREAM_UNAVAILABLE": 5,
    "AUTHORIZER_UNAVAILABLE": 5,
    # end reasons
}
"""The reasons that say that nothing was done and another attempt may succeed; None: as many as there is time for."""

_NEVER_CONNECTED: Final = (
    "connections to all backends failing",
    "failed to connect to all addresses",
    "errors resolving",
    "DNS resolution failed",
)
"""How gRPC begins what it says of a call that it could not send; the code is that of a lost connection, too."""


_STREAM_PATIENCE: Final = 60.0
"""Seconds that a stream is tried for since it broke."""


@dataclass(frozen=True, slots=True)
class _Most:
    """Says how many attempts a kind of call has after a failure of a server that answers."""

    outages: int = 1
    """After those of the reasons above that have a number."""
    losses: int = 1
    """After a lost connection."""
    others: int = 1
    """After UNAVAILABLE with another reason."""


_READ: Final = _Most()
_WRITE: Final = _Most(outages=ATTEMPTS)
_WRITE_THAT_BEARS_A_LOSS: Final = _Most(outages=ATTEMPTS, losses=ATTEMPTS)
_STREAM: Final = _Most(outages=ATTEMPTS, losses=ATTEMPTS, others=ATTEMPTS)


class Attempts:
    """Counts the attempts at one call, and decides after each whether there is another one.

    Attributes:
        number: of the attempt that is under way, from 1.

    Args:
        request: what is sent each time; a write gets a `request_id` unless it has one. None for a stream, which is
            asked for from another place each time.
        timeout: seconds for all of them together; None for as long as it takes. Those at a stream have a minute since
            it last broke besides.
        allowed: tells whether there may be more than one.
        clock: the time in seconds.
    """

    def __init__(
        self,
        request: Message | None,
        timeout: float | None = None,
        *,
        allowed: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.number = 1
        self._allowed = allowed
        self._clock = clock
        self._most = _most(request) if allowed else _Most()
        self._end = None if timeout is None else clock() + timeout
        self._patience_ends: float | None = None
        self._in_a_row = self._failures = 0
        self._lost: TwinfrontError | None = None

    def get_on(self) -> None:
        """Notes that a stream has brought something: from here on it may break as one does that begins."""
        self._in_a_row = self._failures = 0
        self._patience_ends = None

    def time_left(self) -> float | None:
        """Gives the seconds that the next attempt may take; None for as long as it takes."""
        return None if self._end is None else max(self._end - self._clock(), 0.0)

    def pause_after(
        self,
        error: TwinfrontError,
        trailers: Iterable[tuple[str, str | bytes]] | None = None,
        *,
        was_seen: bool,
    ) -> float:
        """Gives the seconds to wait before the next attempt.

        Args:
            error: what the last one ended with.
            trailers: its trailing metadata, if there are any.
            was_seen: tells whether there was a server for this client before.

        Raises:
            TwinfrontError: What the call ends with: there is no other attempt.
        """
        error.attempts = self.number
        # The outcome of an earlier attempt, which the server knew.
        if trailer(trailers, "twinfront-replayed") == "true":
            raise error
        if self._most is _STREAM and self._in_a_row == 0:
            self._patience_ends = self._clock() + _STREAM_PATIENCE
        most = 1 if _forbids_another(trailers) else self._most_after(error, was_seen=was_seen)
        self._in_a_row += 1
        self._failures += most is not None
        seconds = max(pause(self._in_a_row), asked_for(error))
        if not self._allowed or (most is not None and self._failures >= most) or not self._leaves(seconds):
            raise self._truth(error)
        self.number += 1
        return seconds

    def _leaves(self, seconds: float) -> bool:
        """Tells whether there is time left after so long a pause."""
        end = self._clock() + seconds
        return all(bound is None or end < bound for bound in (self._end, self._patience_ends))

    def _most_after(self, error: TwinfrontError, *, was_seen: bool) -> int | None:
        """Gives the number of attempts that a failure like this is worth; None for as many as there is time for."""
        if not isinstance(error, UnavailableError):
            return 1
        if error.reason:
            most = _MOST_ATTEMPTS.get(error.reason, self._most.others)
            return most and min(most, self._most.outages)
        if error.message.startswith(_NEVER_CONNECTED):
            return None if was_seen else self._most.others
        if self._most is not _STREAM:
            self._lost = self._lost or error
        return self._most.losses

    def _truth(self, error: TwinfrontError) -> TwinfrontError:
        """Gives the error that is true of all attempts: that of a lost answer, once there was one."""
        if self._lost is None or isinstance(error, DeadlineExceededError | CallCancelledError):
            return error
        self._lost.attempts = self.number
        return self._lost


def shows_a_server(error: TwinfrontError) -> bool:
    """Tells whether a call that failed so had a connection to the server."""
    is_lost = isinstance(error, UnavailableError) and not error.message.startswith(_NEVER_CONNECTED)
    return is_lost or bool(error.call_id)


def _most(request: Message | None) -> _Most:
    if request is None:
        return _STREAM
    if _is_read(request.DESCRIPTOR):
        return _READ
    return _WRITE_THAT_BEARS_A_LOSS if _bears_a_loss(request) else _WRITE


def _forbids_another(trailers: Iterable[tuple[str, str | bytes]] | None) -> bool:
    """Tells whether the server says that no other attempt helps (gRFC A6)."""
    pushback = trailer(trailers, "grpc-retry-pushback-ms")
    return pushback != "" and not pushback.isdecimal()


def asked_for(error: TwinfrontError) -> float:
    """Gives the seconds that the server asks to wait."""
    delay = error.retry_after if isinstance(error, UnavailableError | ThrottledError) else None
    return delay.total_seconds() if delay else 0.0


def _bears_a_loss(request: Message) -> bool:
    """Tells whether a write may be sent again after its answer was lost, and gives it the id that this takes.

    Not so a batch: each of its items has a refusal of its own.
    """
    if "request_id" not in request.DESCRIPTOR.fields_by_name or "writes" in request.DESCRIPTOR.fields_by_name:
        return False
    identified = cast("Any", request)
    if not identified.request_id and not identified.validate_only:
        identified.request_id = str(uuid4())
    return not _shifts_elements(getattr(request, "patch", ()))


def _shifts_elements(patch: Iterable[JsonPatchOperation]) -> bool:
    """Tells whether a patch adds elements to an array or takes some out: it does more if it is applied twice."""
    names = (operation.path.rpartition("/")[2] for operation in patch if operation.op != JsonPatchOperation.OP_REPLACE)
    return any(name == "-" or name.isdecimal() for name in names)


@cache
def _is_read(request: Descriptor) -> bool:
    """Tells whether the contract says that the RPC of a request changes nothing."""
    methods = (method for service in request.file.services_by_name.values() for method in service.methods)
    options = next(method.GetOptions() for method in methods if method.input_type is request)
    return options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
