"""When there is another attempt at a call or a stream, and when there is none."""

import contextlib
from collections.abc import Sequence

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import RetryInfo

from twinfront._attempts import Attempts, asked_for, shows_a_server
from twinfront.errors import CallCancelledError, DeadlineExceededError, ThrottledError, TwinfrontError, UnavailableError
from twinfront.v1.digital_twin_service_pb2 import (
    BatchWriteDigitalTwinsRequest,
    GetDigitalTwinRequest,
    UpdateDigitalTwinRequest,
)
from twinfront.v1.telemetry_service_pb2 import PublishTelemetryRequest

NEVER = "connections to all backends failing; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused"


def unavailable(reason: str = "", message: str = "Socket closed", details: Sequence[Message] = ()) -> UnavailableError:
    return UnavailableError(message, code=grpc.StatusCode.UNAVAILABLE, reason=reason, details=details)


class Clock:
    """Goes on when somebody pauses."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def attempts_until_the_end(
    attempts: Attempts, error: TwinfrontError, *, was_seen: bool = True, clock: Clock | None = None
) -> int:
    clock = clock or Clock()
    with contextlib.suppress(TwinfrontError):
        while attempts.number < 1000:
            clock.now += attempts.pause_after(error, was_seen=was_seen)
    return attempts.number


@pytest.mark.parametrize(
    ("request_", "reason", "number"),
    [
        (UpdateDigitalTwinRequest(), "UPSTREAM_UNAVAILABLE", 5),
        (UpdateDigitalTwinRequest(), "", 5),
        (UpdateDigitalTwinRequest(), "STREAM_NOT_READ", 1),
        (BatchWriteDigitalTwinsRequest(), "UPSTREAM_UNAVAILABLE", 5),
        (BatchWriteDigitalTwinsRequest(), "", 1),
        (PublishTelemetryRequest(), "UPSTREAM_UNAVAILABLE", 5),
        (PublishTelemetryRequest(), "", 1),
        (GetDigitalTwinRequest(), "UPSTREAM_UNAVAILABLE", 1),
        (GetDigitalTwinRequest(), "", 1),
        (None, "UPSTREAM_UNAVAILABLE", 5),
        (None, "", 5),
        (None, "STREAM_NOT_READ", 5),
    ],
)
def test_failures_of_what_is_there_are_borne_some_times(request_: Message | None, reason: str, number: int) -> None:
    assert attempts_until_the_end(Attempts(request_), unavailable(reason)) == number


@pytest.mark.parametrize("request_", [UpdateDigitalTwinRequest(), PublishTelemetryRequest(), GetDigitalTwinRequest()])
@pytest.mark.parametrize("error", [unavailable("SERVER_DRAINING"), unavailable(message=NEVER)])
def test_a_server_that_is_gone_is_waited_for_as_long_as_there_is_time(request_: Message, error: TwinfrontError) -> None:
    clock = Clock()
    assert attempts_until_the_end(Attempts(request_, 60, clock=clock), error, clock=clock) > 20
    assert 1055 < clock.now < 1060


def test_pauses_stay_within_two_seconds_however_often_a_server_is_tried() -> None:
    attempts = Attempts(UpdateDigitalTwinRequest())
    pauses = [attempts.pause_after(unavailable("SERVER_DRAINING"), was_seen=True) for _ in range(2000)]
    assert 1 < max(pauses) <= 2


def test_a_stream_is_tried_for_a_minute_since_it_broke() -> None:
    clock = Clock()
    attempts = Attempts(None, clock=clock)
    attempts.get_on()
    clock.now = 2000.0  # so long was what it brought looked at
    assert attempts_until_the_end(attempts, unavailable("SERVER_DRAINING"), clock=clock) > 20
    assert 2055 < clock.now < 2060


def test_a_stream_that_gets_on_may_break_as_often_again() -> None:
    attempts = Attempts(None)
    for _ in range(50):
        attempts.pause_after(unavailable(), was_seen=True)
        attempts.get_on()
    assert attempts.number == 51


@pytest.mark.parametrize("message", [NEVER, "errors resolving nowhere.invalid:1: […]", "DNS resolution failed for x"])
def test_a_server_that_was_never_there_is_not_waited_for(message: str) -> None:
    never = unavailable(message=message)
    assert attempts_until_the_end(Attempts(UpdateDigitalTwinRequest()), never, was_seen=False) == 1


def test_other_errors_end_a_call() -> None:
    refused = TwinfrontError("No.", code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="SERVER_DRAINING")
    assert attempts_until_the_end(Attempts(UpdateDigitalTwinRequest()), refused) == 1


def test_no_id_is_made_for_a_call_that_is_sent_once_or_writes_nothing() -> None:
    once, dry = UpdateDigitalTwinRequest(), UpdateDigitalTwinRequest(validate_only=True)
    Attempts(once, allowed=False)
    Attempts(dry)
    assert (once.request_id, dry.request_id) == ("", "")


@pytest.mark.parametrize(("pushback", "number"), [("-1", 1), ("soon", 1), ("300", 5)])
@pytest.mark.parametrize("request_", [UpdateDigitalTwinRequest(), None])
def test_a_server_that_forbids_another_attempt_is_obeyed(request_: Message | None, pushback: str, number: int) -> None:
    attempts, error = Attempts(request_), unavailable("UPSTREAM_UNAVAILABLE")
    with contextlib.suppress(TwinfrontError):
        while attempts.number < 1000:
            attempts.pause_after(error, [("grpc-retry-pushback-ms", pushback)], was_seen=True)
    assert attempts.number == number


@pytest.mark.parametrize(
    "ending",
    [
        DeadlineExceededError("Too late.", code=grpc.StatusCode.DEADLINE_EXCEEDED),
        CallCancelledError("Not wanted.", code=grpc.StatusCode.CANCELLED),
    ],
)
def test_a_call_that_its_time_or_its_caller_ends_says_so_though_an_answer_was_lost(ending: TwinfrontError) -> None:
    attempts = Attempts(UpdateDigitalTwinRequest())
    attempts.pause_after(unavailable(), was_seen=True)
    with pytest.raises(type(ending)):
        attempts.pause_after(ending, was_seen=True)


def test_a_stream_has_its_timeout_though_it_gets_on() -> None:
    clock = Clock()
    attempts = Attempts(None, 10, clock=clock)
    attempts.pause_after(unavailable(), was_seen=True)
    attempts.get_on()
    clock.now += 4
    assert attempts.time_left() == 6
    later = RetryInfo(retry_delay=Duration(seconds=7))
    with pytest.raises(UnavailableError):
        attempts.pause_after(unavailable("SERVER_DRAINING", details=[later]), was_seen=True)


@pytest.mark.parametrize(
    ("message", "is_there"), [(NEVER, False), ("DNS resolution failed for x", False), ("Socket closed", True)]
)
def test_a_connection_that_was_lost_shows_that_there_was_a_server(message: str, is_there: bool) -> None:
    assert shows_a_server(unavailable(message=message)) is is_there


@pytest.mark.parametrize("kind", [UnavailableError, ThrottledError])
def test_whoever_asks_to_wait_is_waited_for(kind: type[TwinfrontError]) -> None:
    later = RetryInfo(retry_delay=Duration(seconds=7))
    assert asked_for(kind("No.", code=grpc.StatusCode.UNAVAILABLE, details=[later])) == 7
    assert asked_for(kind("No.", code=grpc.StatusCode.UNAVAILABLE)) == 0
