"""The reasons why calls fail, each with its gRPC code.

The names are those of `twinfront.v1.ErrorReason` without their prefix; what they mean is said there. A reason has one
code, so who raises an error names the reason alone.
"""

from enum import StrEnum, unique
from typing import Literal, Self, TypeAlias

from grpc import StatusCode


@unique
class Reason(StrEnum):
    """Names why a call failed, as it stands in `google.rpc.ErrorInfo`, in logs and in metrics.

    Attributes:
        code: the gRPC code of all errors with this reason.
    """

    code: StatusCode

    def __new__(cls, name: str, code: StatusCode) -> Self:
        """Makes a member of its name, which is its text, and its code."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.code = code
        return member

    ETAG_MISMATCH = "ETAG_MISMATCH", StatusCode.ABORTED
    TWIN_ALREADY_EXISTS = "TWIN_ALREADY_EXISTS", StatusCode.ALREADY_EXISTS
    RELATIONSHIP_ALREADY_EXISTS = "RELATIONSHIP_ALREADY_EXISTS", StatusCode.ALREADY_EXISTS
    TWIN_HAS_RELATIONSHIPS = "TWIN_HAS_RELATIONSHIPS", StatusCode.FAILED_PRECONDITION
    TWIN_NOT_FOUND = "TWIN_NOT_FOUND", StatusCode.NOT_FOUND
    RELATIONSHIP_NOT_FOUND = "RELATIONSHIP_NOT_FOUND", StatusCode.NOT_FOUND
    COMPONENT_NOT_FOUND = "COMPONENT_NOT_FOUND", StatusCode.NOT_FOUND
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND", StatusCode.NOT_FOUND
    EVENT_ROUTE_NOT_FOUND = "EVENT_ROUTE_NOT_FOUND", StatusCode.NOT_FOUND
    JOB_NOT_FOUND = "JOB_NOT_FOUND", StatusCode.NOT_FOUND
    TARGET_TWIN_NOT_FOUND = "TARGET_TWIN_NOT_FOUND", StatusCode.FAILED_PRECONDITION
    MODEL_ALREADY_EXISTS = "MODEL_ALREADY_EXISTS", StatusCode.ALREADY_EXISTS
    MODEL_HAS_DEPENDENTS = "MODEL_HAS_DEPENDENTS", StatusCode.FAILED_PRECONDITION
    MODEL_DECOMMISSIONED = "MODEL_DECOMMISSIONED", StatusCode.FAILED_PRECONDITION
    VALIDATION_FAILED = "VALIDATION_FAILED", StatusCode.INVALID_ARGUMENT
    JSON_PATCH_INVALID = "JSON_PATCH_INVALID", StatusCode.INVALID_ARGUMENT
    DTDL_INVALID = "DTDL_INVALID", StatusCode.INVALID_ARGUMENT
    INVALID_ARGUMENT = "INVALID_ARGUMENT", StatusCode.INVALID_ARGUMENT
    QUERY_INVALID = "QUERY_INVALID", StatusCode.INVALID_ARGUMENT
    PAGE_TOKEN_INVALID = "PAGE_TOKEN_INVALID", StatusCode.INVALID_ARGUMENT
    UPSTREAM_THROTTLED = "UPSTREAM_THROTTLED", StatusCode.RESOURCE_EXHAUSTED
    LIMIT_REACHED = "LIMIT_REACHED", StatusCode.RESOURCE_EXHAUSTED
    UPSTREAM_CREDENTIALS_REJECTED = "UPSTREAM_CREDENTIALS_REJECTED", StatusCode.INTERNAL
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE", StatusCode.UNAVAILABLE
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN", StatusCode.UNKNOWN
    UPSTREAM_ANSWER_UNEXPECTED = "UPSTREAM_ANSWER_UNEXPECTED", StatusCode.INTERNAL
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED", StatusCode.DEADLINE_EXCEEDED
    INTERNAL = "INTERNAL", StatusCode.INTERNAL
    SERVER_DRAINING = "SERVER_DRAINING", StatusCode.UNAVAILABLE
    JOB_ALREADY_EXISTS = "JOB_ALREADY_EXISTS", StatusCode.ALREADY_EXISTS
    VALIDATE_ONLY_UNSUPPORTED = "VALIDATE_ONLY_UNSUPPORTED", StatusCode.UNIMPLEMENTED
    JOB_STATUS_CONFLICT = "JOB_STATUS_CONFLICT", StatusCode.FAILED_PRECONDITION
    STREAM_NOT_READ = "STREAM_NOT_READ", StatusCode.UNAVAILABLE
    CREDENTIALS_MISSING = "CREDENTIALS_MISSING", StatusCode.UNAUTHENTICATED
    CREDENTIALS_INVALID = "CREDENTIALS_INVALID", StatusCode.UNAUTHENTICATED
    CALLER_NOT_PERMITTED = "CALLER_NOT_PERMITTED", StatusCode.PERMISSION_DENIED


InvalidReason: TypeAlias = Literal[
    Reason.VALIDATION_FAILED,
    Reason.JSON_PATCH_INVALID,
    Reason.DTDL_INVALID,
    Reason.INVALID_ARGUMENT,
    Reason.QUERY_INVALID,
    Reason.PAGE_TOKEN_INVALID,
]
"""The reasons of INVALID_ARGUMENT: what is wrong with the request, whatever the state of the graph."""
