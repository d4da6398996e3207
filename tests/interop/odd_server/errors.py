"""Errors with details that no good server sends, by the names that scenarios give them."""

from collections.abc import Mapping
from typing import Final

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.code_pb2 import (
    ABORTED,
    FAILED_PRECONDITION,
    INVALID_ARGUMENT,
    NOT_FOUND,
    RESOURCE_EXHAUSTED,
    UNAVAILABLE,
)
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

_BROKEN: Final = b"\xff\xff\xff"
"""Bytes that are no message."""


def packed(detail: Message, prefix: str = "type.googleapis.com/") -> Any:
    """Packs a detail of a status."""
    return Any(type_url=prefix + detail.DESCRIPTOR.full_name, value=detail.SerializeToString())


def _broken(name: str) -> Any:
    return Any(type_url=f"type.googleapis.com/google.rpc.{name}", value=_BROKEN)


def info(reason: str, domain: str = "twinfront", metadata: Mapping[str, str] | None = None) -> Any:
    """Makes the detail that tells the reason of an error."""
    return packed(ErrorInfo(reason=reason, domain=domain, metadata=metadata))


def _status(code: int, *details: Any, message: str = "No.") -> Status:
    return Status(code=code, message=message, details=details)


def _retry(code: int, reason: str, seconds: int, nanos: int = 0) -> Status:
    delay = Duration()
    delay.seconds, delay.nanos = seconds, nanos
    return _status(code, info(reason), packed(RetryInfo(retry_delay=delay)))


_TWIN: Final = info("TWIN_NOT_FOUND")

ERRORS: Final[Mapping[str, Status]] = {
    "no-details": _status(NOT_FOUND),
    "unknown-reason": _status(NOT_FOUND, info("SOMETHING_NEW")),
    "unknown-detail": _status(NOT_FOUND, Any(type_url="type.googleapis.com/example.Foo", value=_BROKEN), _TWIN),
    "no-type-url": _status(NOT_FOUND, Any(value=_BROKEN), _TWIN),
    "other-type-url": _status(NOT_FOUND, packed(ErrorInfo(reason="TWIN_NOT_FOUND", domain="twinfront"), "example/")),
    "broken-detail": _status(NOT_FOUND, _TWIN, _broken("DebugInfo")),
    "broken-fields": _status(INVALID_ARGUMENT, _broken("BadRequest"), info("VALIDATION_FAILED")),
    "broken-info": _status(NOT_FOUND, _broken("ErrorInfo"), _TWIN),
    "broken-conflict": _status(
        ABORTED, info("ETAG_MISMATCH"), Any(type_url="type.googleapis.com/twinfront.v1.EtagConflict", value=_BROKEN)
    ),
    "other-domain-first": _status(NOT_FOUND, info("ZZZ", "example.com"), _TWIN),
    "other-domain-only": _status(NOT_FOUND, info("TWIN_NOT_FOUND", "example.com")),
    "two-reasons": _status(NOT_FOUND, _TWIN, info("MODEL_NOT_FOUND")),
    "reason-of-another-code": _status(FAILED_PRECONDITION, info("ETAG_MISMATCH")),
    "wait-for-ever": _retry(UNAVAILABLE, "UPSTREAM_UNAVAILABLE", 2**62),
    "wait-beyond-ever": _retry(UNAVAILABLE, "UPSTREAM_UNAVAILABLE", 2**63 - 1, 2_000_000_000),
    "wait-less-than-nothing": _retry(UNAVAILABLE, "UPSTREAM_UNAVAILABLE", -5),
    "throttled-for-ever": _retry(RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED", 2**62),
    "odd-message": _status(NOT_FOUND, _TWIN, message='100% "ä🏢"\n\x00'),
    "metadata-7000": _status(NOT_FOUND, info("TWIN_NOT_FOUND", metadata={"digital_twin_id": "x" * 7_000})),
    "metadata-15000": _status(NOT_FOUND, info("TWIN_NOT_FOUND", metadata={"digital_twin_id": "x" * 15_000})),
    "metadata-40000": _status(NOT_FOUND, info("TWIN_NOT_FOUND", metadata={"digital_twin_id": "x" * 40_000})),
    "metadata-200000": _status(NOT_FOUND, info("TWIN_NOT_FOUND", metadata={"digital_twin_id": "x" * 200_000})),
}
"""The statuses. Trailers have 64 KiB at the most, a third of which base64 takes: the last is too large for a client."""

RAW_DETAILS: Final[Mapping[str, bytes]] = {
    "garbage-for-details": b"\xff\xff\xff\xff\xff\xff\xff",
    "no-details-at-all": b"",
    "details-of-another-code": _status(ABORTED, info("ETAG_MISMATCH")).SerializeToString(),
    "details-of-success": Status(details=[_TWIN]).SerializeToString(),
}
"""The bytes that the trailer `grpc-status-details-bin` of a NOT_FOUND has in it, instead of its status."""
