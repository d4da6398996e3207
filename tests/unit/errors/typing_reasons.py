"""Misuses of reasons that a type checker refuses; read by mypy, which tells of an ignored error that is none."""

from typing import assert_type

import grpc

from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.metrics import Metrics
from twinfront_server.reasons import Reason


def a_reason_brings_its_code(error: TwinfrontError) -> None:
    assert_type(error.reason, Reason)
    assert_type(error.code, grpc.StatusCode)


def a_misspelt_reason() -> None:
    TwinfrontError(Reason.ETAG_MISSMATCH, "Changed.")  # type: ignore[attr-defined]  # there is no such reason


def a_reason_as_text(call: Call, metrics: Metrics) -> None:
    TwinfrontError("ETAG_MISMATCH", "Changed.")  # type: ignore[arg-type]  # text may be misspelt
    invalid_argument("query", "is required", reason="QUERY_INVALID")  # type: ignore[arg-type]  # as above
    call.item_ended("TWIN_NOT_FOUND")  # type: ignore[arg-type]  # as above
    metrics.error("TWIN_NOT_FOUND")  # type: ignore[arg-type]  # as above
    metrics.item_error("ImportGraph", "TWIN_NOT_FOUND")  # type: ignore[arg-type]  # as above


def a_reason_of_another_code() -> None:
    invalid_argument("digital_twin_id", "is unknown", reason=Reason.TWIN_NOT_FOUND)  # type: ignore[arg-type]  # NOT_FOUND


def a_code_beside_the_reason(error: TwinfrontError) -> None:
    TwinfrontError(Reason.ETAG_MISMATCH, "Changed.", code=grpc.StatusCode.ABORTED)  # type: ignore[call-arg]  # it is the reason's
    error.code = grpc.StatusCode.ABORTED  # type: ignore[misc]  # as above
