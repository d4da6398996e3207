"""Telemetry as a caller has it published."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1.telemetry_service_pb2 import PublishTelemetryRequest
from twinfront.v1.value_pb2 import Value
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.telemetry import message_id, source_time, telemetry_body

ONE = Value(int_value=1)


def test_a_payload_is_sent_in_either_form():
    typed, json = PublishTelemetryRequest(payload=ONE), PublishTelemetryRequest(payload_json=b'{"a": 1}')
    assert (telemetry_body(typed).content, telemetry_body(typed).field) == (b"1", "payload")
    assert (telemetry_body(json).content, telemetry_body(json).field) == (b'{"a": 1}', "payload_json")


@pytest.mark.parametrize(
    ("request_sent", "field", "description"),
    [
        (PublishTelemetryRequest(), "payload", "is required, or payload_json"),
        (
            PublishTelemetryRequest(payload=ONE, payload_json=b"1"),
            "payload_json",
            "must be empty when payload is set",
        ),
    ],
    ids=["neither", "both"],
)
def test_a_payload_is_in_one_form_and_no_more(request_sent: PublishTelemetryRequest, field: str, description: str):
    with pytest.raises(TwinfrontError) as caught:
        telemetry_body(request_sent)
    (violation,) = caught.value.details[0].field_violations  # type: ignore[attr-defined]
    assert (violation.field, violation.description) == (field, description)


def test_a_payload_that_is_no_json_is_refused():
    with pytest.raises(TwinfrontError) as caught:
        telemetry_body(PublishTelemetryRequest(payload_json=b"{"))
    (violation,) = caught.value.details[0].field_violations  # type: ignore[attr-defined]
    assert violation.field == "payload_json"


@pytest.mark.parametrize("text", ["!", "~", "a", "a b", "x" * 256, "a" + " " * 254 + "b"])
def test_an_id_of_visible_characters_is_the_message_s(text: str):
    assert message_id(text) == text


@pytest.mark.parametrize("text", [" ", " a", "a ", "x" * 257, "a\nb", "a\x7fb", "é", "\x1f"])
def test_an_id_that_no_header_can_carry_is_refused(text: str):
    with pytest.raises(TwinfrontError) as caught:
        message_id(text)
    (violation,) = caught.value.details[0].field_violations  # type: ignore[attr-defined]
    assert violation.field == "message_id"


def test_a_message_without_an_id_gets_one_of_its_own():
    ids = [message_id(""), message_id("")]
    assert len({uuid.UUID(each) for each in ids}) == 2


def test_the_time_of_a_message_is_now_if_the_caller_does_not_say():
    before = datetime.now(UTC)
    text = source_time(PublishTelemetryRequest(payload=ONE))
    assert text.endswith("Z")
    assert before <= datetime.fromisoformat(text) <= before + timedelta(minutes=5)


def test_the_time_of_a_message_is_the_caller_s():
    request = PublishTelemetryRequest(payload=ONE, source_time=Timestamp(seconds=1, nanos=200))
    assert source_time(request) == "1970-01-01T00:00:01.0000002Z"


def test_a_time_that_there_is_not_is_refused():
    with pytest.raises(TwinfrontError) as caught:
        source_time(PublishTelemetryRequest(payload=ONE, source_time=Timestamp(nanos=-1)))
    (violation,) = caught.value.details[0].field_violations  # type: ignore[attr-defined]
    assert violation.field == "source_time"
