"""The errors of the front: one exception, and the status it becomes.

Everything that a service, the wire or the upstream raises on purpose is a `TwinfrontError`. It carries a `Reason`, and
with it a gRPC code, metadata with the ids, and standard or own details; `status()` makes the `google.rpc.Status` of it
(AIP-193). How answers of the upstream become such errors is in `upstream/refusals/errors.py`.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import grpc
import orjson
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    PreconditionFailure,
    QuotaFailure,
    ResourceInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete
from twinfront_server.reasons import InvalidReason, Reason

DOMAIN: Final = "twinfront"

MAX_STATUS_BYTES: Final = 4096
"""A status rides in a trailer that grpcio rejects at random above 8 KiB, base64 and the message beside it included."""

MAX_TEXT_BYTES: Final = 512
"""The longest message, description or id in a status; an id of 128 characters is whole in any script."""

MAX_FIELD_BYTES: Final = 1200
"""The longest path of a field: one through two names of 512 characters, the longest that DTDL has, is whole, and can be
taken apart by a program."""

MAX_LISTED: Final = 20
"""The longest list in a detail."""

NO_RETRY: Final = -1
"""Pushback that tells clients with a retry policy to leave it (gRFC A6)."""

_DRAINING_RETRY_AFTER: Final = 0.1
"""Seconds: another server is there already."""

_OUTAGE_RETRY_AFTER: Final = 1.0
"""Seconds, for an upstream, or a policy system, that does not say how long its outage takes."""


class TwinfrontError(Exception):
    """A call that fails, and why.

    Args:
        reason: why; the gRPC code goes with it.
        message: one sentence or two for people.
        metadata: the ids that the error is about, by request field.
        details: further details, each message type at most once.
        retry_after: seconds after which a retry makes sense; None if nothing is known about it.
        pushback_ms: the value of the trailer `grpc-retry-pushback-ms`; None for no such trailer.

    Attributes:
        throttled_twin: the id of the twin on whose account the upstream throttles; empty if it is on none's.
    """

    throttled_twin: str = ""

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        details: Sequence[Message] = (),
        retry_after: float | None = None,
        pushback_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = shortened(message)
        self.metadata = dict(metadata or {})
        self.details = list(details)
        self.pushback_ms = pushback_ms
        if retry_after is not None:
            delay = Duration(seconds=int(retry_after), nanos=int(retry_after % 1 * 1_000_000_000))
            self.details.append(RetryInfo(retry_delay=delay))

    @property
    def code(self) -> grpc.StatusCode:
        """The gRPC code, which goes with the reason."""
        return self.reason.code

    def renewed(self) -> "TwinfrontError":
        """Copies the error to be raised once more, without traceback and cause, which keep alive whatever they saw."""
        return TwinfrontError(
            self.reason,
            self.message,
            metadata=self.metadata,
            details=self.details,
            pushback_ms=self.pushback_ms,
        )

    def status(self) -> Status:
        """Gives the error as a status of less than `MAX_STATUS_BYTES`.

        What is too long is shortened: lists of violations and blockers lose their last entries. Counts stay true.
        """
        metadata = {name: shortened(value) for name, value in self.metadata.items() if value}
        info = ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=metadata)
        status = _status(self.code, self.message, [info, *self.details])
        while status.ByteSize() >= MAX_STATUS_BYTES and _drop_an_entry(self.details):
            status = _status(self.code, self.message, [info, *self.details])
        if status.ByteSize() >= MAX_STATUS_BYTES:
            return _status(self.code, self.message, [info])
        return status


def entry(field: str, key: str) -> str:
    """Gives the proto path of a map's entry, for example `digital_twin.properties["temperature"]`."""
    return f"{field}[{orjson.dumps(key, default=str).decode()}]"


def invalid_argument(
    field: str, description: str, *, reason: InvalidReason = Reason.INVALID_ARGUMENT
) -> TwinfrontError:
    """INVALID_ARGUMENT for one field of the request, named by its proto path."""
    return invalid_fields([(field, description)], reason=reason)


def invalid_fields(
    fields: Iterable[tuple[str, str]],
    *,
    reason: InvalidReason = Reason.INVALID_ARGUMENT,
    message: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> TwinfrontError:
    """INVALID_ARGUMENT for fields of the request: pairs of proto path and description, one for each thing wrong."""
    violations = [
        BadRequest.FieldViolation(
            field=shortened(field, MAX_FIELD_BYTES), description=shortened(description), reason=reason
        )
        for field, description in fields
    ]
    return TwinfrontError(
        reason,
        message or _listed(violations),
        metadata=metadata,
        details=[BadRequest(field_violations=violations)],
    )


def rename_fields(error: TwinfrontError, rename: Callable[[str], str]) -> None:
    """Gives the fields that an error names other proto paths: the error came up in a part of a larger request.

    The message names them anew too, if it is one that lists the fields.
    """
    for detail in error.details:
        if isinstance(detail, BadRequest):
            lists_fields = error.message == shortened(_listed(detail.field_violations))
            for violation in detail.field_violations:
                violation.field = shortened(rename(violation.field), MAX_FIELD_BYTES)
            if lists_fields:
                error.message = shortened(_listed(detail.field_violations))


def etag_mismatch(
    resource: str, *, expected: str, current: str = "", metadata: Mapping[str, str] | None = None
) -> TwinfrontError:
    """ABORTED: a resource, named by its path, no longer has the etag that the write was meant for."""
    return TwinfrontError(
        Reason.ETAG_MISMATCH,
        f"{resource} was changed in the meantime: it no longer has the etag {expected}.",
        metadata=metadata,
        details=[EtagConflict(resource=resource, expected_etag=expected, current_etag=current)],
    )


def too_many_writers(conflict: TwinfrontError, times: int) -> TwinfrontError:
    """ABORTED: others changed a resource each time between a look at it and the write, under an etag of the front's."""
    resource = next((detail.resource for detail in conflict.details if isinstance(detail, EtagConflict)), "It")
    return TwinfrontError(
        Reason.ETAG_MISMATCH,
        f"{resource} was changed by others {times} times while this call tried to change it. Nothing was changed; try "
        "again.",
        metadata=conflict.metadata,
        details=conflict.details,
    )


def limit_reached(subject: str, message: str, *, metadata: Mapping[str, str] | None = None) -> TwinfrontError:
    """RESOURCE_EXHAUSTED: a resource, or a field of the request, has as much as it may have; no retry helps."""
    violation = QuotaFailure.Violation(subject=shortened(subject), description=shortened(message))
    return TwinfrontError(
        Reason.LIMIT_REACHED,
        message,
        metadata=metadata,
        details=[QuotaFailure(violations=[violation])],
        pushback_ms=NO_RETRY,
    )


def deadline_exceeded(
    advice: str = "", *, message: str = "The call's deadline passed before Azure Digital Twins answered."
) -> TwinfrontError:
    """DEADLINE_EXCEEDED: the time given to the call has run out while the server was at work on it.

    Args:
        advice: what to know of a write that was under way, or was not begun.
        message: what did not happen in time.
    """
    return TwinfrontError(Reason.DEADLINE_EXCEEDED, f"{message} {advice}" if advice else message)


def outcome_unknown(message: str, *, metadata: Mapping[str, str] | None = None) -> TwinfrontError:
    """UNKNOWN: a write may have been applied; the message says what to read, and no client is to send it blindly."""
    return TwinfrontError(Reason.OUTCOME_UNKNOWN, message, metadata=metadata, pushback_ms=NO_RETRY)


def begun_elsewhere(path: str, metadata: Mapping[str, str]) -> TwinfrontError:
    """UNKNOWN: a replica began the write, did not tell how it ended, and what is there now does not tell either."""
    return outcome_unknown(
        "Another replica began this write and did not tell how it ended, and it may have been applied: "
        f"read {path} before writing again.",
        metadata=metadata,
    )


def server_draining(advice: str) -> TwinfrontError:
    """UNAVAILABLE: the server is about to stop; the advice says what the call did and how to go on."""
    return TwinfrontError(
        Reason.SERVER_DRAINING,
        f"This server is about to stop. {advice}",
        retry_after=_DRAINING_RETRY_AFTER,
    )


def stream_not_read(waited: float) -> TwinfrontError:
    """UNAVAILABLE: a message of a stream has waited too long, in seconds, for its caller to read on."""
    return TwinfrontError(
        Reason.STREAM_NOT_READ,
        f"A message waited {round(waited, 1):g} s for its caller to read on. Go on behind the last one that was read.",
        retry_after=0.0,
    )


def limit_reached_for_now(limit: str, message: str, retry_after: float) -> TwinfrontError:
    """RESOURCE_EXHAUSTED: a limit of this server, named as in metrics; there may be room after so many seconds."""
    return TwinfrontError(
        Reason.LIMIT_REACHED,
        message,
        details=[QuotaFailure(violations=[QuotaFailure.Violation(subject=limit, description=message)])],
        retry_after=retry_after,
        pushback_ms=math.ceil(retry_after * 1000),
    )


def upstream_throttled(message: str, *, metadata: Mapping[str, str], retry_after: float) -> TwinfrontError:
    """RESOURCE_EXHAUSTED: the upstream takes no more for so many seconds; nothing was done."""
    return TwinfrontError(
        Reason.UPSTREAM_THROTTLED,
        message,
        metadata=metadata,
        retry_after=retry_after,
        pushback_ms=math.ceil(retry_after * 1000),
    )


def credentials_missing(message: str) -> TwinfrontError:
    """UNAUTHENTICATED: the caller has to say who it is; the message says how."""
    return TwinfrontError(Reason.CREDENTIALS_MISSING, message)


def credentials_invalid(message: str) -> TwinfrontError:
    """UNAUTHENTICATED: the caller's credentials do not prove who it is; the message has nothing that is secret."""
    return TwinfrontError(Reason.CREDENTIALS_INVALID, message)


def internal(call_id: str) -> TwinfrontError:
    """INTERNAL: a fault of this server; the text of the exception stays in the log."""
    return TwinfrontError(Reason.INTERNAL, f"The server failed; its log has the story under call id {call_id}.")


def resource_error(
    reason: Reason, resource_type: str, name: str, message: str, *, metadata: Mapping[str, str] | None = None
) -> TwinfrontError:
    """NOT_FOUND or ALREADY_EXISTS, as the reason has it: of a resource, which has a type and a name."""
    return TwinfrontError(reason, message, metadata=metadata, details=[resource_info(resource_type, name, message)])


def resource_info(resource_type: str, name: str, description: str) -> ResourceInfo:
    """Gives the detail that names the resource of NOT_FOUND and ALREADY_EXISTS."""
    return ResourceInfo(resource_type=resource_type, resource_name=shortened(name), description=shortened(description))


def changes_expired(oldest_time: datetime | None) -> TwinfrontError:
    """OUT_OF_RANGE: changes that were asked for are lost; the oldest that is there was made at a time."""
    return TwinfrontError(
        Reason.CHANGES_EXPIRED,
        "The log no longer has all changes from there on: read the state, and watch on from it (initial_state).",
        metadata={} if oldest_time is None else {"oldest_time": oldest_time.isoformat().replace("+00:00", "Z")},
    )


def changes_unsupported() -> TwinfrontError:
    """UNIMPLEMENTED: there is no log of changes to follow."""
    return TwinfrontError(
        Reason.CHANGES_UNSUPPORTED,
        "This server knows of no changes: before Azure Digital Twins it has to be told where they come in (--changes).",
    )


def caller_not_permitted(message: str, *, metadata: Mapping[str, str] | None = None) -> TwinfrontError:
    """PERMISSION_DENIED: the caller is known, and may not do this."""
    return TwinfrontError(Reason.CALLER_NOT_PERMITTED, message, metadata=metadata, pushback_ms=NO_RETRY)


def authorizer_unavailable() -> TwinfrontError:
    """UNAVAILABLE: who decides whether the caller may do this does not, so nothing was done."""
    return TwinfrontError(
        Reason.AUTHORIZER_UNAVAILABLE,
        "Nothing was done: the policy system that decides whether this caller may do this does not answer. Try again.",
        retry_after=_OUTAGE_RETRY_AFTER,
    )


def upstream_answer_unexpected(status: int) -> TwinfrontError:
    """INTERNAL: the upstream answered something that this server does not understand."""
    return TwinfrontError(
        Reason.UPSTREAM_ANSWER_UNEXPECTED,
        f"Azure Digital Twins answered with status {status} in a way that this call does not expect.",
    )


def upstream_unavailable(
    message: str, *, metadata: Mapping[str, str] | None = None, retry_after: float | None = None
) -> TwinfrontError:
    """UNAVAILABLE: the upstream cannot be reached or failed, and nothing was changed; it may have said for how long."""
    delay = _OUTAGE_RETRY_AFTER if retry_after is None else retry_after
    return TwinfrontError(Reason.UPSTREAM_UNAVAILABLE, message, metadata=metadata, retry_after=delay)


def upstream_unreadable() -> TwinfrontError:
    """UNAVAILABLE: what the upstream answered to a read was damaged on its way."""
    return upstream_unavailable("The answer of Azure Digital Twins cannot be read. Try again.")


def shortened(text: str, most: int = MAX_TEXT_BYTES) -> str:
    """Cuts a text to at most so many bytes of UTF-8, without half a character; "…" says that it was cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most:
        return encoded.decode()
    return encoded[: most - 3].decode(errors="ignore") + "…"


def _listed(violations: Iterable[BadRequest.FieldViolation]) -> str:
    """Makes the message of an error out of its fields and what is wrong with each."""
    return "; ".join(f"{violation.field}: {violation.description}" for violation in violations)


def _status(code: grpc.StatusCode, message: str, details: Sequence[Message]) -> Status:
    status = Status(code=Code.Value(code.name), message=message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _drop_an_entry(details: list[Message]) -> bool:
    """Takes the last entry out of the longest list among the details; False if nothing more can go.

    Of violations one stays, of blockers none has to: their numbers stand beside them.
    """
    lists: list[tuple[int, Any]] = []
    for detail in details:
        if isinstance(detail, BadRequest):
            lists.append((len(detail.field_violations) - 1, detail.field_violations))
        elif isinstance(detail, PreconditionFailure | QuotaFailure):
            lists.append((len(detail.violations) - 1, detail.violations))
        elif isinstance(detail, RelationshipsBlockingDelete):
            lists += [(len(listed), listed) for listed in (detail.outgoing, detail.incoming)]
    spare, longest = max(lists, key=operator.itemgetter(0), default=(0, None))
    if longest is None or spare <= 0:
        return False
    del longest[min(len(longest) - 1, MAX_LISTED) :]
    return True
