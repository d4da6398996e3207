"""Errors as values; how they come from the wire is shown over a real connection."""

import pickle
from datetime import timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo

from twinfront import (
    BlockingRelationship,
    EtagMismatchError,
    FieldViolation,
    InvalidArgumentError,
    ThrottledError,
    TwinfrontError,
    TwinHasRelationshipsError,
    TwinNotFoundError,
)
from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete


def test_the_text_has_the_reason_and_the_call_id() -> None:
    error = TwinNotFoundError("No twin room-1.", code=grpc.StatusCode.NOT_FOUND, reason="TWIN_NOT_FOUND", call_id="7")
    assert str(error) == "[TWIN_NOT_FOUND] No twin room-1. (call id 7)"


def test_the_text_has_the_code_where_there_is_no_reason() -> None:
    assert str(TwinfrontError("Boom.", code=grpc.StatusCode.INTERNAL)) == "[INTERNAL] Boom."


def test_an_etag_mismatch_without_its_detail_has_empty_etags() -> None:
    error = EtagMismatchError("Too late.", code=grpc.StatusCode.ABORTED)
    assert (error.resource, error.expected_etag, error.current_etag) == ("", "", "")


def test_a_blocked_delete_lists_the_relationships() -> None:
    blocking = RelationshipsBlockingDelete.BlockingRelationship(
        relationship_id="r", source_id="floor-1", target_id="room-1", name="contains"
    )
    error = TwinHasRelationshipsError(
        "Blocked.",
        code=grpc.StatusCode.FAILED_PRECONDITION,
        details=[
            RelationshipsBlockingDelete(
                incoming=[blocking], outgoing_total=0, incoming_total=41, counts_are_lower_bounds=True
            )
        ],
    )
    assert error.outgoing == []
    assert error.incoming == [BlockingRelationship("r", "floor-1", "room-1", "contains")]
    assert (error.outgoing_total, error.incoming_total, error.counts_are_lower_bounds) == (0, 41, True)


def test_an_invalid_argument_names_its_fields() -> None:
    violation = BadRequest.FieldViolation(
        field="patch[2].path", description="leads nowhere", reason="JSON_PATCH_INVALID"
    )
    error = InvalidArgumentError(
        "No.", code=grpc.StatusCode.INVALID_ARGUMENT, details=[BadRequest(field_violations=[violation])]
    )
    assert error.field_violations == [FieldViolation("patch[2].path", "leads nowhere", "JSON_PATCH_INVALID")]


def test_an_invalid_argument_may_name_no_field() -> None:
    assert InvalidArgumentError("No.", code=grpc.StatusCode.INVALID_ARGUMENT).field_violations == []


@pytest.mark.parametrize(
    ("details", "retry_after"),
    [([RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))], timedelta(seconds=1.5)), ([], None)],
)
def test_a_throttled_call_may_know_when_to_try_again(details: list[RetryInfo], retry_after: timedelta | None) -> None:
    error = ThrottledError("Slowly.", code=grpc.StatusCode.RESOURCE_EXHAUSTED, details=details)
    assert error.retry_after == retry_after


def test_errors_can_be_pickled() -> None:
    error = EtagMismatchError(
        "Too late.",
        code=grpc.StatusCode.ABORTED,
        reason="ETAG_MISMATCH",
        metadata={"digital_twin_id": "room-1"},
        details=[EtagConflict(expected_etag='W/"1"', current_etag='W/"2"')],
        call_id="7",
    )
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is EtagMismatchError
    assert str(back) == str(error)
    assert vars(back) == vars(error)
    assert back.current_etag == 'W/"2"'
