"""Outcomes are kept for ten minutes, and within bounds that no caller fills for the others."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront_server.errors import (
    TwinfrontError,
    caller_not_permitted,
    deadline_exceeded,
    internal,
    invalid_argument,
    outcome_unknown,
    upstream_throttled,
    upstream_unavailable,
)
from twinfront_server.outcomes.kept import Outcomes
from twinfront_server.outcomes.outcome import Key, Outcome, other_request
from twinfront_server.reasons import Reason

EMPTY = Outcome(b"f", 100, (Timestamp, b""))


class Clock:
    """A time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def key(number: int, caller: str = "a") -> Key:
    return Key("jwt", caller, "twinfront.v1.DigitalTwinService/UpdateDigitalTwin", f"{number}")


def outcome(size: int) -> Outcome:
    return Outcome(b"f", size, (Timestamp, b""))


def test_an_outcome_is_known_by_its_caller_method_and_id():
    outcomes = Outcomes(Clock(), max_outcomes=10, max_bytes=10_000)
    outcomes.keep(key(1), EMPTY)
    assert outcomes.recall(key(1)) is EMPTY
    assert outcomes.recall(key(2)) is None
    assert outcomes.recall(key(1, "b")) is None
    assert (len(outcomes), outcomes.bytes) == (1, 100)


@pytest.mark.parametrize(("seconds", "is_kept"), [(599.9, True), (600.0, False)])
def test_an_outcome_is_kept_for_ten_minutes(seconds: float, is_kept: bool):
    clock = Clock()
    outcomes = Outcomes(clock, max_outcomes=10, max_bytes=10_000)
    outcomes.keep(key(1), EMPTY)
    outcomes.keep(key(2), outcome(30))
    clock.now += seconds
    assert (outcomes.recall(key(1)) is EMPTY) is is_kept
    assert (len(outcomes), outcomes.bytes) == ((2, 130) if is_kept else (0, 0))


def test_an_outcome_that_came_later_stays_longer():
    clock = Clock()
    outcomes = Outcomes(clock, max_outcomes=10, max_bytes=10_000)
    outcomes.keep(key(1), EMPTY)
    clock.now = 1.0
    outcomes.keep(key(2), EMPTY)
    clock.now = 600.0
    assert outcomes.recall(key(2)) is EMPTY
    assert (len(outcomes), outcomes.bytes) == (1, 100)


def test_of_too_many_the_oldest_of_who_has_most_go():
    outcomes = Outcomes(Clock(), max_outcomes=3, max_bytes=10_000)
    outcomes.keep(key(1, "b"), EMPTY)
    for number in (1, 2):
        outcomes.keep(key(number), EMPTY)
    assert len(outcomes) == 3
    outcomes.keep(key(3), EMPTY)
    assert len(outcomes) == 3
    assert outcomes.recall(key(1)) is None
    assert outcomes.recall(key(1, "b")) is EMPTY


def test_outcomes_that_are_too_large_together_make_room():
    outcomes = Outcomes(Clock(), max_outcomes=100, max_bytes=1000)
    outcomes.keep(key(1), outcome(400))
    outcomes.keep(key(2), outcome(600))
    assert (len(outcomes), outcomes.bytes) == (2, 1000)
    outcomes.keep(key(3), outcome(1))
    assert outcomes.recall(key(1)) is None
    assert (len(outcomes), outcomes.bytes) == (2, 601)


def test_an_outcome_that_is_too_large_by_itself_drives_out_no_other():
    outcomes = Outcomes(Clock(), max_outcomes=100, max_bytes=1000)
    outcomes.keep(key(1), outcome(500))
    outcomes.keep(key(2), outcome(1001))
    assert outcomes.recall(key(2)) is None
    assert (len(outcomes), outcomes.bytes) == (1, 500)
    outcomes.keep(key(3), outcome(1000))
    assert outcomes.recall(key(3)) is not None


def test_many_small_ones_weigh_more_than_their_bytes():
    outcomes = Outcomes(Clock(), max_outcomes=10, max_bytes=1000)
    for number in range(9):
        outcomes.keep(key(number, "many"), outcome(1))  # 9 of 100 and 1
    outcomes.keep(key(0, "large"), outcome(690))
    outcomes.keep(key(1, "large"), outcome(10))
    assert outcomes.recall(key(0, "many")) is None
    assert outcomes.recall(key(0, "large")) is not None


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (invalid_argument("a", "b"), True),
        (outcome_unknown("Read it."), True),
        (internal("1"), True),
        (upstream_unavailable("Down."), False),
        (deadline_exceeded(), False),
        (upstream_throttled("Slow.", metadata={}, retry_after=1), False),
        (caller_not_permitted("No."), False),
        (TwinfrontError(Reason.UPSTREAM_CREDENTIALS_REJECTED, "No."), False),
    ],
    ids=lambda value: value.reason if isinstance(value, TwinfrontError) else None,
)
def test_an_end_after_which_the_same_write_may_succeed_is_not_final(error: TwinfrontError, is_final: bool):
    assert Outcome.of_error(b"f", error).is_final is is_final


def test_a_response_is_final_and_given_as_it_was():
    kept = Outcome.of_response(b"f", Timestamp(seconds=1))
    assert kept.is_final
    assert kept.give() == Timestamp(seconds=1)
    assert kept.give() is not kept.give()
    assert (kept.fingerprint, kept.size) == (b"f", 2 + 512)


def test_an_error_is_raised_anew_each_time():
    error = invalid_argument("a", "b")
    kept = Outcome.of_error(b"f", error)
    assert kept.size == error.status().ByteSize() + 1024
    raised = []
    for _ in range(2):
        with pytest.raises(TwinfrontError) as caught:
            kept.give()
        raised.append(caught.value)
    assert raised[0] is not raised[1]
    assert [each.status() for each in raised] == [error.status()] * 2


def test_an_id_that_is_given_to_another_request_is_refused_by_its_field():
    assert other_request().message.startswith("request_id: is that of an earlier request")
