"""How a write ended, for callers who ask again."""

from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.message import Message

from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.reasons import Reason

KEPT_SECONDS: Final = 600.0
"""How long an outcome is kept: 10 minutes."""

_RESPONSE_OVERHEAD: Final = 512
_ERROR_OVERHEAD: Final = 1024
"""Bytes of memory that one takes beside its own bytes, key included, as measured."""

_NOTHING_DONE_CODES: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
_NOTHING_DONE_REASONS: Final = frozenset(
    {Reason.UPSTREAM_THROTTLED, Reason.UPSTREAM_CREDENTIALS_REJECTED, Reason.CALLER_NOT_PERMITTED}
)
"""Errors after which the same write may well succeed, and cannot be done twice: they are not kept."""


@dataclass(frozen=True, slots=True)
class Key:
    """Names a write of a caller; the same `request_id` of another caller is another one.

    Attributes:
        source: how the caller became known, and
        principal: as whom.
        method: full name.
        request_id: the caller's.
    """

    source: str
    principal: str
    method: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One write's end.

    Attributes:
        fingerprint: of the request.
        size: bytes of memory, roughly.
        end: the response, its type and its bytes, or the error.
    """

    fingerprint: bytes
    size: int
    end: tuple[type[Message], bytes] | TwinfrontError

    @classmethod
    def of_response(cls, fingerprint: bytes, response: Message) -> "Outcome":
        """Makes the outcome of a write that was answered."""
        data = response.SerializeToString()
        return cls(fingerprint, len(data) + _RESPONSE_OVERHEAD, (type(response), data))

    @classmethod
    def of_error(cls, fingerprint: bytes, error: TwinfrontError) -> "Outcome":
        """Makes the outcome of a write that failed."""
        return cls(fingerprint, error.status().ByteSize() + _ERROR_OVERHEAD, error.renewed())

    @property
    def is_final(self) -> bool:
        """Tells whether a repeated write has to end in the same way."""
        if not isinstance(self.end, TwinfrontError):
            return True
        return self.end.code not in _NOTHING_DONE_CODES and self.end.reason not in _NOTHING_DONE_REASONS

    def give(self) -> Message:
        """Returns the response, or raises the error."""
        if isinstance(self.end, TwinfrontError):
            raise self.end.renewed()
        kind, data = self.end
        return kind.FromString(data)


def other_request() -> TwinfrontError:
    """Makes the error of a `request_id` that is that of an earlier request, where this is another one."""
    return invalid_argument(
        "request_id", "is that of an earlier request, and this is another one: give each its own id"
    )
