"""Outcomes are read by other replicas as they were written down."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront_server.errors import (
    TwinfrontError,
    caller_not_permitted,
    etag_mismatch,
    invalid_argument,
    limit_reached_for_now,
)
from twinfront_server.outcomes.encoding import MAX_ENCODED_BYTES, Encoded, decoded, encoded
from twinfront_server.outcomes.outcome import Outcome


def test_a_response_is_read_as_it_was_written():
    written = encoded(Outcome.of_response(b"f", Timestamp(seconds=5)))
    assert written == Encoded(b"google.protobuf.Timestamp", Timestamp(seconds=5).SerializeToString(), b"")
    assert decoded(b"f", written) == Outcome.of_response(b"f", Timestamp(seconds=5))


@pytest.mark.parametrize(
    ("error", "pushback"),
    [
        (invalid_argument("a", "b"), b""),
        (caller_not_permitted("No."), b"-1"),
        (limit_reached_for_now("calls", "Full.", 0.0), b"0"),
        (limit_reached_for_now("calls", "Full.", 2.5), b"2500"),
        (etag_mismatch("digitaltwins/room", expected="1", metadata={"digital_twin_id": "room"}), b""),
    ],
    ids=lambda value: value.reason if isinstance(value, TwinfrontError) else None,
)
def test_an_error_is_read_as_it_was_written(error: TwinfrontError, pushback: bytes):
    written = encoded(Outcome.of_error(b"f", error))
    assert (written.type, written.pushback) == (b"google.rpc.Status", pushback)
    read = decoded(b"f", written)
    assert read.fingerprint == b"f"
    with pytest.raises(TwinfrontError) as caught:
        read.give()
    assert caught.value.status() == error.status()
    assert (caught.value.reason, caught.value.pushback_ms) == (error.reason, error.pushback_ms)
    assert caught.value.metadata == error.metadata


def test_of_a_response_that_is_too_large_it_is_said_that_there_was_one():
    room = MAX_ENCODED_BYTES - (JsonPatchOperation(path="x" * 1_000_000).ByteSize() - 1_000_000)
    largest = JsonPatchOperation(path="x" * room)
    assert largest.ByteSize() == 1 << 20
    assert decoded(b"f", encoded(Outcome.of_response(b"f", largest))).give() == largest
    larger = encoded(Outcome.of_response(b"f", JsonPatchOperation(path="x" * (room + 1))))
    with pytest.raises(TwinfrontError, match="too large to be kept") as caught:
        decoded(b"f", larger).give()
    assert caught.value.reason == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    "written",
    [
        Encoded(b"twinfront.v9.Unknown", b"", b""),
        Encoded(b"google.protobuf.Timestamp", b"\xff", b""),
        Encoded(b"google.rpc.Status", Status(code=3, message="No.").SerializeToString(), b""),
        Encoded(b"google.rpc.Status", invalid_argument("a", "b").status().SerializeToString(), b"soon"),
        Encoded(b"\xff", b"", b""),
    ],
    ids=["type", "data", "no-reason", "pushback", "no-text"],
)
def test_what_another_version_may_have_written_is_told_from_an_outcome(written: Encoded):
    with pytest.raises(ValueError, match=r"."):
        decoded(b"f", written)


def test_a_reason_that_this_version_does_not_know_is_told_from_an_outcome():
    status = invalid_argument("a", "b").status()
    data = status.SerializeToString().replace(b"INVALID_ARGUMENT", b"UNHEARD_OF_THING")
    with pytest.raises(ValueError, match=r"."):
        decoded(b"f", Encoded(b"google.rpc.Status", data, b""))
