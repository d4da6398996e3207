"""Errors that a call can fail with.

    TwinfrontError                       any status but OK; INTERNAL, UNIMPLEMENTED and the like are of this very class
    ├── NotFoundError                    NOT_FOUND
    │   ├── TwinNotFoundError
    │   ├── RelationshipNotFoundError
    │   ├── ComponentNotFoundError
    │   ├── ModelNotFoundError
    │   ├── EventRouteNotFoundError
    │   └── JobNotFoundError
    ├── AlreadyExistsError               ALREADY_EXISTS: `if_none_match` and there is one, or the model is there already
    ├── AbortedError                     ABORTED: read again, redo the change, write again
    │   └── EtagMismatchError
    ├── FailedPreconditionError          FAILED_PRECONDITION: something else has to be changed first
    │   ├── TwinHasRelationshipsError
    │   ├── TargetTwinNotFoundError
    │   ├── ModelHasDependentsError
    │   └── ModelDecommissionedError
    ├── InvalidArgumentError             INVALID_ARGUMENT: the request is wrong, and `field_violations` say where
    │   ├── ValidationFailedError
    │   ├── JsonPatchInvalidError
    │   ├── DtdlInvalidError
    │   ├── QueryInvalidError
    │   ├── PageTokenInvalidError
    │   └── ResumeTokenInvalidError
    ├── ChangesExpiredError              OUT_OF_RANGE: the log of changes no longer has what was to be told
    ├── ResourceExhaustedError           RESOURCE_EXHAUSTED
    │   ├── ThrottledError               try again after `retry_after`
    │   └── LimitReachedError            trying again does not help
    ├── UnavailableError                 UNAVAILABLE: the server, or Azure Digital Twins behind it, cannot be reached
    ├── DeadlineExceededError            DEADLINE_EXCEEDED: the call's `timeout` has run out
    ├── OutcomeUnknownError              UNKNOWN: the answer to a write was lost; read before writing again
    ├── CallCancelledError               CANCELLED: this side ended the call, or closed the channel
    ├── UnauthenticatedError             UNAUTHENTICATED: no valid token or certificate was presented
    ├── PermissionDeniedError            PERMISSION_DENIED
    ├── ChangesUnsupportedError          UNIMPLEMENTED: the server follows no source of changes
    └── ValidateOnlyUnsupportedError     UNIMPLEMENTED: Azure Digital Twins cannot tell what a write would end in

The class follows the reason that the server gives (`twinfront.v1.ErrorReason`). A reason that this client does not
know, or an answer without one, is of the class of its gRPC code. `from_rpc_error` makes the same of the errors of
plain stubs.

What is wrong with an argument before anything is sent, such as NaN in a twin, is a ValueError or TypeError.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2 as google_details
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from twinfront.v1 import error_details_pb2 as twinfront_details
from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete

DOMAIN: Final = "twinfront"
"""The domain of the reasons, in google.rpc.ErrorInfo."""

Detail = TypeVar("Detail", bound=Message)


class TwinfrontError(Exception):
    """A call that ended with a status other than OK. Its `__cause__` is the `grpc.RpcError`.

    Attributes:
        code: The gRPC code.
        reason: Why, as a name of `ErrorReason` without prefix, for example `ETAG_MISMATCH`; empty if the server gave
            none.
        message: A sentence for people.
        metadata: The ids that the error is about, by request field: `{"digital_twin_id": "room-1"}`.
        details: The details of the status as messages (google.rpc.ResourceInfo, twinfront.v1.EtagConflict, …); those
            of an unknown type stay google.protobuf.Any.
        call_id: The id under which the server logged the call; empty if it did not get there.
        attempts: How often the client sent the call; what gRPC repeats by itself, which are reads, is not counted.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str]
    details: Sequence[Message]
    call_id: str
    attempts: int

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        details: Sequence[Message] = (),
        call_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.details = tuple(details)
        self.call_id = call_id
        self.attempts = 1

    def detail(self, kind: type[Detail]) -> Detail | None:
        """Gives the detail of a message type, or None if the status has none."""
        return next((detail for detail in self.details if isinstance(detail, kind)), None)

    def __str__(self) -> str:
        call = f" (call id {self.call_id})" if self.call_id else ""
        return f"[{self.reason or self.code.name}] {self.message}{call}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled like a plain object: without __init__, whose arguments are not in `args`.
        return _blank, (type(self), self.message), self.__dict__


class NotFoundError(TwinfrontError):
    """The thing that the call is about does not exist."""


class TwinNotFoundError(NotFoundError):
    """No such digital twin."""


class RelationshipNotFoundError(NotFoundError):
    """The twin has no such relationship."""


class ComponentNotFoundError(NotFoundError):
    """The twin has no such component."""


class ModelNotFoundError(NotFoundError):
    """No such model."""


class EventRouteNotFoundError(NotFoundError):
    """No such event route."""


class JobNotFoundError(NotFoundError):
    """No such job."""


class AlreadyExistsError(TwinfrontError):
    """There is one already: a twin or relationship that was only to be created, or a model, which is immutable."""


class AbortedError(TwinfrontError):
    """Another writer was faster: read again, redo the change, write again."""


class EtagMismatchError(AbortedError):
    """The etag in `if_match` is not the resource's current one. `update_with_retry` redoes the change."""

    @property
    def resource(self) -> str:
        """The resource as a path: `digitaltwins/{id}` or `digitaltwins/{id}/relationships/{relationship id}`."""
        return self._conflict.resource

    @property
    def expected_etag(self) -> str:
        """The etag that the call asked for."""
        return self._conflict.expected_etag

    @property
    def current_etag(self) -> str:
        """The etag that the resource had; empty if it could not be read, or is gone by now."""
        return self._conflict.current_etag

    @property
    def _conflict(self) -> EtagConflict:
        return self.detail(EtagConflict) or EtagConflict()


class FailedPreconditionError(TwinfrontError):
    """The request is right and the state of the graph does not allow it; something else has to be changed first."""


@dataclass(frozen=True, slots=True)
class BlockingRelationship:
    """A relationship that keeps a digital twin from being deleted."""

    relationship_id: str
    """Unique among the relationships of the source twin."""
    source_id: str
    """The id of the twin that it starts from."""
    target_id: str
    """The id of the twin that it points to."""
    name: str
    """The relationship's name in the source twin's model."""


class TwinHasRelationshipsError(FailedPreconditionError):
    """A twin with relationships cannot be deleted: delete them first, outgoing and incoming ones."""

    @property
    def outgoing(self) -> list[BlockingRelationship]:
        """Relationships that start from the twin; both lists together name 20 at the most."""
        return _relationships(self._blocking.outgoing)

    @property
    def incoming(self) -> list[BlockingRelationship]:
        """Relationships that point to the twin."""
        return _relationships(self._blocking.incoming)

    @property
    def outgoing_total(self) -> int:
        """The number of relationships that start from the twin, listed or not."""
        return self._blocking.outgoing_total

    @property
    def incoming_total(self) -> int:
        """The number of relationships that point to the twin, listed or not."""
        return self._blocking.incoming_total

    @property
    def counts_are_lower_bounds(self) -> bool:
        """Tells whether there may be more than counted, because the call's deadline left no time to count them all."""
        return self._blocking.counts_are_lower_bounds

    @property
    def _blocking(self) -> RelationshipsBlockingDelete:
        return self.detail(RelationshipsBlockingDelete) or RelationshipsBlockingDelete()


class TargetTwinNotFoundError(FailedPreconditionError):
    """The twin that a relationship is to point to does not exist."""


class ModelHasDependentsError(FailedPreconditionError):
    """Other models extend this one or have it as a component; they have to be deleted first."""


class ModelDecommissionedError(FailedPreconditionError):
    """The model was decommissioned: no new twins of it."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """The fault of one field of a request."""

    field: str
    """The field's path in the request: `digital_twin.properties["temperature"]`, `patch[2].path`."""
    description: str
    """What is wrong with it."""
    reason: str
    """A name of `ErrorReason` without prefix; empty if there is none."""


class InvalidArgumentError(TwinfrontError):
    """The request is wrong, whatever the state of the graph."""

    @property
    def field_violations(self) -> list[FieldViolation]:
        """The fields that are wrong; empty if the server named none."""
        bad_request = self.detail(google_details.BadRequest)
        violations = () if bad_request is None else bad_request.field_violations
        return [FieldViolation(entry.field, entry.description, entry.reason) for entry in violations]


class ValidationFailedError(InvalidArgumentError):
    """The twin or relationship would not fit its model."""


class JsonPatchInvalidError(InvalidArgumentError):
    """An operation of the patch is malformed, or its path leads nowhere."""


class DtdlInvalidError(InvalidArgumentError):
    """A model is not valid DTDL, or refers to a model that is not there; none of the call was stored."""


class QueryInvalidError(InvalidArgumentError):
    """The query is not understood."""


class PageTokenInvalidError(InvalidArgumentError):
    """The page token was not made by this service, or for another request."""


class ResumeTokenInvalidError(InvalidArgumentError):
    """The resume token was not made by this service, is of another log of changes, or of another request."""


class ChangesExpiredError(TwinfrontError):
    """The log no longer has the changes behind a token or a time: the state has to be read anew."""

    @property
    def oldest_time(self) -> str:
        """When the oldest change was made that the log still has, in RFC 3339; empty if there is none."""
        return self.metadata.get("oldest_time", "")


class ResourceExhaustedError(TwinfrontError):
    """Too much of something: too many calls, or too large a message."""


class ThrottledError(ResourceExhaustedError):
    """Azure Digital Twins throttles, and the retries that the service config allows did not help."""

    @property
    def retry_after(self) -> timedelta | None:
        """The time to wait before the next try, from 0 to a day; None if the server did not say."""
        return _retry_delay(self)


class LimitReachedError(ResourceExhaustedError):
    """A limit of the instance is reached; trying again does not help."""


class UnavailableError(TwinfrontError):
    """The server cannot be reached, or Azure Digital Twins behind it.

    With the reasons UPSTREAM_UNAVAILABLE, AUTHORIZER_UNAVAILABLE and SERVER_DRAINING nothing was changed. Without a
    reason the connection broke, or the server ended the call without an answer, and a write may have been applied.
    """

    @property
    def retry_after(self) -> timedelta | None:
        """The time to wait before the next try, from 0 to a day; None if the server did not say."""
        return _retry_delay(self)


class DeadlineExceededError(TwinfrontError):
    """The call's `timeout` has run out; a write may have been applied all the same."""


class OutcomeUnknownError(TwinfrontError):
    """The answer to a write was lost and whether it was applied is unknown: read the resource before writing again."""


class CallCancelledError(TwinfrontError):
    """The call was ended here, or its channel was closed. A task that is cancelled gets asyncio.CancelledError."""


class UnauthenticatedError(TwinfrontError):
    """The server wants a token or a client certificate, and what it got is none that it accepts."""


class PermissionDeniedError(TwinfrontError):
    """The caller is known and may not do this."""


class ValidateOnlyUnsupportedError(TwinfrontError):
    """The upstream cannot tell what a write would end in without doing it; nothing was done."""


class ChangesUnsupportedError(TwinfrontError):
    """The server follows no source of changes: before Azure Digital Twins it has to be given one (`--changes`)."""


_LONGEST_DELAY: Final = timedelta(days=1)
"""What a server that asks for more is taken to ask for, so that `sleep` can be given any `retry_after`."""

_BY_REASON: Final[dict[tuple[grpc.StatusCode, str], type[TwinfrontError]]] = {
    # begin reasons: made by clients/reasons.py; do not edit
    (grpc.StatusCode.NOT_FOUND, "TWIN_NOT_FOUND"): TwinNotFoundError,
    (grpc.StatusCode.NOT_FOUND, "RELATIONSHIP_NOT_FOUND"): RelationshipNotFoundError,
    (grpc.StatusCode.NOT_FOUND, "COMPONENT_NOT_FOUND"): ComponentNotFoundError,
    (grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND"): ModelNotFoundError,
    (grpc.StatusCode.NOT_FOUND, "EVENT_ROUTE_NOT_FOUND"): EventRouteNotFoundError,
    (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND"): JobNotFoundError,
    (grpc.StatusCode.ABORTED, "ETAG_MISMATCH"): EtagMismatchError,
    (grpc.StatusCode.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS"): TwinHasRelationshipsError,
    (grpc.StatusCode.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND"): TargetTwinNotFoundError,
    (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_HAS_DEPENDENTS"): ModelHasDependentsError,
    (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_DECOMMISSIONED"): ModelDecommissionedError,
    (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED"): ValidationFailedError,
    (grpc.StatusCode.INVALID_ARGUMENT, "JSON_PATCH_INVALID"): JsonPatchInvalidError,
    (grpc.StatusCode.INVALID_ARGUMENT, "DTDL_INVALID"): DtdlInvalidError,
    (grpc.StatusCode.INVALID_ARGUMENT, "QUERY_INVALID"): QueryInvalidError,
    (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"): PageTokenInvalidError,
    (grpc.StatusCode.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID"): ResumeTokenInvalidError,
    (grpc.StatusCode.OUT_OF_RANGE, "CHANGES_EXPIRED"): ChangesExpiredError,
    (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED"): ThrottledError,
    (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED"): LimitReachedError,
    (grpc.StatusCode.UNKNOWN, "OUTCOME_UNKNOWN"): OutcomeUnknownError,
    (grpc.StatusCode.UNIMPLEMENTED, "CHANGES_UNSUPPORTED"): ChangesUnsupportedError,
    (grpc.StatusCode.UNIMPLEMENTED, "VALIDATE_ONLY_UNSUPPORTED"): ValidateOnlyUnsupportedError,
    # end reasons
}

_BY_CODE: Final[dict[grpc.StatusCode, type[TwinfrontError]]] = {
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.ABORTED: AbortedError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.CANCELLED: CallCancelledError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
}

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

_ENDED_HERE: Final = frozenset({"Locally cancelled by application!", "Channel closed!"})
"""Texts of grpc for calls that the program, or the closing of its channel, has cancelled."""

_DETAIL_CLASSES: Final[dict[str, type[Message]]] = {
    descriptor.full_name: GetMessageClass(descriptor)
    for file in (google_details, twinfront_details)
    for descriptor in cast("Mapping[str, Descriptor]", file.DESCRIPTOR.message_types_by_name).values()
}


def from_rpc_error(error: grpc.RpcError) -> TwinfrontError:
    """Makes the error that a failed call of the stubs in `twinfront.v1` stands for, of grpc and of grpc.aio."""
    call = cast("grpc.Call", error)  # both kinds of RpcError are one
    message = call.details() or ""
    if message == "Deadline Exceeded":  # grpc's own words: a server that is not there is waited for until then
        message = "The call's deadline passed without an answer; the server may not be reachable."
    code = call.code()
    if code is grpc.StatusCode.CANCELLED and message not in _ENDED_HERE:
        # A stopping server says so to the calls that it has not begun, and a proxy to those that it drops.
        code, message = grpc.StatusCode.UNAVAILABLE, f"The server ended the call without an answer: {message}"
    call_id = trailer(call.trailing_metadata(), "twinfront-call-id")
    made = _error(code, message, _details(call), call_id)
    made.__cause__ = error
    return made


def unreadable_answer(method: str, why: object) -> TwinfrontError:
    """Makes the error for an answer that came with OK and is not what the contract says."""
    message = f"The answer to {method} is not what the contract says: {why}"
    return TwinfrontError(message, code=grpc.StatusCode.INTERNAL)


def ended_early(method: str) -> TwinfrontError:
    """Makes the error for a stream that has no end, and was ended with OK before it brought anything."""
    return UnavailableError(f"The server ended {method} without a message", code=grpc.StatusCode.UNAVAILABLE)


def from_status(status: Status) -> TwinfrontError | None:
    """Makes the error that a status in a response stands for; None for OK."""
    if status.code == Code.OK:
        return None
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _error(code, status.message, [_unpacked(detail) for detail in status.details], "")


def _error(code: grpc.StatusCode, message: str, details: Sequence[Message], call_id: str) -> TwinfrontError:
    info = next((d for d in details if isinstance(d, google_details.ErrorInfo) and d.domain == DOMAIN), None)
    reason = info.reason if info else ""
    return _kind(code, reason)(
        message,
        code=code,
        reason=reason,
        metadata=info.metadata if info else {},
        details=details,
        call_id=call_id,
    )


def _kind(code: grpc.StatusCode, reason: str) -> type[TwinfrontError]:
    """Gives the class of an error: that of its reason if the code is the reason's, else that of the code.

    A proxy that turns ABORTED into UNAVAILABLE and passes the details on has made another error of it.
    """
    return _BY_REASON.get((code, reason)) or _BY_CODE.get(code, TwinfrontError)


def trailer(trailers: Iterable[tuple[str, str | bytes]] | None, name: str) -> str:
    """Reads the value of one trailing metadata key; empty if it is absent."""
    return next((value for key, value in trailers or () if key == name and isinstance(value, str)), "")


def _details(call: grpc.Call) -> list[Message]:
    """Decodes the details; none if the trailer is missing, malformed, or of another error than the status."""
    try:
        status = rpc_status.from_call(call)
    except (ValueError, DecodeError):
        return []
    return [] if status is None else [_unpacked(detail) for detail in status.details]


def _unpacked(detail: AnyMessage) -> Message:
    kind = _DETAIL_CLASSES.get(detail.TypeName())
    if kind is None:
        return detail
    message = kind()
    try:
        detail.Unpack(message)
    except DecodeError:
        return detail
    return message


def _relationships(listed: Iterable[RelationshipsBlockingDelete.BlockingRelationship]) -> list[BlockingRelationship]:
    return [
        BlockingRelationship(entry.relationship_id, entry.source_id, entry.target_id, entry.name) for entry in listed
    ]


def _retry_delay(error: TwinfrontError) -> timedelta | None:
    retry_info = error.detail(google_details.RetryInfo)
    if retry_info is None:
        return None
    seconds = min(max(retry_info.retry_delay.seconds, 0), int(_LONGEST_DELAY.total_seconds()))
    nanos = retry_info.retry_delay.nanos
    return min(timedelta(seconds=seconds, microseconds=max(nanos, 0) // 1000), _LONGEST_DELAY)


def _blank(kind: type[TwinfrontError], message: str) -> TwinfrontError:
    return kind.__new__(kind, message)
