"""The errors that the front makes: when to come back, and whether a client with a retry policy may."""

import grpc
import pytest
from google.rpc.error_details_pb2 import QuotaFailure, ResourceInfo, RetryInfo

from twinfront.v1.error_details_pb2 import EtagConflict
from twinfront_server import errors
from twinfront_server.errors import NO_RETRY, TwinfrontError
from twinfront_server.reasons import Reason

CONFLICT = errors.etag_mismatch(
    "digitaltwins/room", expected='W/"1"', current='W/"2"', metadata={"digital_twin_id": "room"}
)


def delay(error: TwinfrontError) -> float | None:
    """Gives the seconds after which a retry makes sense; None if the error does not say."""
    found = [each.retry_delay for each in error.details if isinstance(each, RetryInfo)]
    return found[0].seconds + found[0].nanos / 1_000_000_000 if found else None


@pytest.mark.parametrize(
    ("error", "code", "seconds", "pushback"),
    [
        (errors.server_draining("Go on."), "UNAVAILABLE", 0.1, None),
        (errors.stream_not_read(12.34), "UNAVAILABLE", 0.0, None),
        (errors.upstream_unavailable("Down."), "UNAVAILABLE", 1.0, None),
        (errors.upstream_unavailable("Down.", retry_after=7.5), "UNAVAILABLE", 7.5, None),
        (errors.upstream_unavailable("Down.", retry_after=0.0), "UNAVAILABLE", 0.0, None),
        (errors.upstream_unreadable(), "UNAVAILABLE", 1.0, None),
        (errors.authorizer_unavailable(), "UNAVAILABLE", 1.0, None),
        (errors.limit_reached_for_now("calls", "Full.", 0.0001), "RESOURCE_EXHAUSTED", 0.0001, 1),
        (errors.limit_reached_for_now("calls", "Full.", 2.5), "RESOURCE_EXHAUSTED", 2.5, 2500),
        (errors.upstream_throttled("Slow.", metadata={}, retry_after=0.0101), "RESOURCE_EXHAUSTED", 0.0101, 11),
        (errors.limit_reached("models", "Full."), "RESOURCE_EXHAUSTED", None, NO_RETRY),
        (errors.outcome_unknown("Perhaps."), "UNKNOWN", None, NO_RETRY),
        (errors.begun_elsewhere("digitaltwins/room", {}), "UNKNOWN", None, NO_RETRY),
        (errors.caller_not_permitted("No."), "PERMISSION_DENIED", None, NO_RETRY),
        (errors.credentials_missing("Who?"), "UNAUTHENTICATED", None, None),
        (errors.credentials_invalid("Who?"), "UNAUTHENTICATED", None, None),
        (errors.deadline_exceeded(), "DEADLINE_EXCEEDED", None, None),
        (errors.internal("1"), "INTERNAL", None, None),
        (errors.upstream_answer_unexpected(200), "INTERNAL", None, None),
        (errors.invalid_argument("query", "is empty"), "INVALID_ARGUMENT", None, None),
        (CONFLICT, "ABORTED", None, None),
        (errors.too_many_writers(CONFLICT, 3), "ABORTED", None, None),
    ],
    ids=lambda value: value.reason if isinstance(value, TwinfrontError) else str(value),
)
def test_an_error_says_when_to_come_back_if_that_is_known(
    error: TwinfrontError, code: str, seconds: float | None, pushback: int | None
):
    assert (error.code, error.pushback_ms) == (grpc.StatusCode[code], pushback)
    assert delay(error) == (None if seconds is None else pytest.approx(seconds))


def test_no_retry_is_what_clients_read_as_such():
    assert NO_RETRY < 0


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.deadline_exceeded(), "The call's deadline passed before Azure Digital Twins answered."),
        (
            errors.deadline_exceeded("Nothing was sent."),
            "The call's deadline passed before Azure Digital Twins answered. Nothing was sent.",
        ),
        (errors.deadline_exceeded("Go on.", message="It took too long."), "It took too long. Go on."),
        (
            errors.stream_not_read(12.34),
            "A message waited 12.3 s for its caller to read on. Go on behind the last one that was read.",
        ),
        (errors.invalid_fields([("a", "is b"), ("c", "is d")]), "a: is b; c: is d"),
        (errors.invalid_fields([("a", "is b")], message="No."), "No."),
        (
            CONFLICT,
            'digitaltwins/room was changed in the meantime: it no longer has the etag W/"1".',
        ),
        (
            errors.too_many_writers(CONFLICT, 3),
            (
                "digitaltwins/room was changed by others 3 times while this call tried to change it. Nothing was "
                "changed; try again."
            ),
        ),
    ],
    ids=lambda value: value.reason if isinstance(value, TwinfrontError) else "",
)
def test_a_message_tells_what_happened(error: TwinfrontError, message: str):
    assert error.message == message


def test_an_error_names_what_it_is_about():
    assert CONFLICT.details == [
        EtagConflict(resource="digitaltwins/room", expected_etag='W/"1"', current_etag='W/"2"'),
    ]
    again = errors.too_many_writers(CONFLICT, 3)
    assert (again.details, again.metadata) == (CONFLICT.details, {"digital_twin_id": "room"})
    for limit in (errors.limit_reached("models", "Full."), errors.limit_reached_for_now("models", "Full.", 1.0)):
        [violation] = next(each for each in limit.details if isinstance(each, QuotaFailure)).violations
        assert (violation.subject, violation.description) == ("models", "Full.")
    missing = errors.resource_error(Reason.MODEL_NOT_FOUND, "twinfront.v1.Model", "dtmi:a;1", "No.")
    assert missing.details == [
        ResourceInfo(resource_type="twinfront.v1.Model", resource_name="dtmi:a;1", description="No.")
    ]


def test_too_many_writers_of_what_no_conflict_names_are_told_without_a_name():
    assert errors.too_many_writers(errors.internal("1"), 2).message.startswith("It was changed by others 2 times")


def test_an_error_that_is_raised_once_more_says_the_same_again():
    for error in (CONFLICT, errors.limit_reached_for_now("calls", "Full.", 2.5)):
        again = error.renewed()
        assert again is not error
        assert (again.status(), again.pushback_ms) == (error.status(), error.pushback_ms)
