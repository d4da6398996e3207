"""When there is another attempt at a call or a stream, and when there is none."""

import contextlib

import grpc
import pytest
from google.protobuf.message import Message

from twinfront._attempts import Attempts
from twinfront.errors import TwinfrontError, UnavailableError
from twinfront.v1.digital_twin_service_pb2 import (
    BatchWriteDigitalTwinsRequest,
    GetDigitalTwinRequest,
    UpdateDigitalTwinRequest,
)
from twinfront.v1.telemetry_service_pb2 import PublishTelemetryRequest

NEVER = "connections to all backends failing; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused"


def unavailable(reason: str = "", message: str = "Socket closed") -> UnavailableError:
    return UnavailableError(message, code=grpc.StatusCode.UNAVAILABLE, reason=reason)


class Clock:
    """Goes on when somebody pauses."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def attempts_until_the_end(
    attempts: Attempts, error: TwinfrontError, *, was_answered: bool = True, clock: Clock | None = None
) -> int:
    clock = clock or Clock()
    with contextlib.suppress(TwinfrontError):
        while attempts.number < 1000:
            clock.now += attempts.pause_after(error, was_answered=was_answered)
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
        attempts.pause_after(unavailable(), was_answered=True)
        attempts.get_on()
    assert attempts.number == 51


@pytest.mark.parametrize("message", [NEVER, "errors resolving nowhere.invalid:1: […]", "DNS resolution failed for x"])
def test_a_server_that_was_never_there_is_not_waited_for(message: str) -> None:
    never = unavailable(message=message)
    assert attempts_until_the_end(Attempts(UpdateDigitalTwinRequest()), never, was_answered=False) == 1


def test_other_errors_end_a_call() -> None:
    refused = TwinfrontError("No.", code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="SERVER_DRAINING")
    assert attempts_until_the_end(Attempts(UpdateDigitalTwinRequest()), refused) == 1


def test_no_id_is_made_for_a_call_that_is_sent_once_or_writes_nothing() -> None:
    once, dry = UpdateDigitalTwinRequest(), UpdateDigitalTwinRequest(validate_only=True)
    Attempts(once, allowed=False)
    Attempts(dry)
    assert (once.request_id, dry.request_id) == ("", "")
