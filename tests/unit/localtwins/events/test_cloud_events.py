"""Changes as CloudEvents 1.0."""

import json
import uuid

from localtwins.events.notifications import RELATIONSHIP_UPDATE, TELEMETRY, TWIN_UPDATE

from .change import event


def test_a_twins_event_has_all_attributes():
    written = json.loads(event(TWIN_UPDATE, {"modelId": "m", "patch": []}).to_json())
    assert uuid.UUID(written.pop("id")).version == 5
    assert written == {
        "specversion": "1.0",
        "type": "Microsoft.DigitalTwins.Twin.Update",
        "source": "adt.example",
        "subject": "room",
        "time": "2026-01-02T03:04:05.0000000Z",
        "dataschema": "dtmi:test:Room;1",
        "datacontenttype": "application/json",
        "data": {"modelId": "m", "patch": []},
    }


def test_an_event_has_the_trace_context_of_the_request_if_there_was_one():
    context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert event(traceparent=context).attributes["traceparent"] == context
    assert "traceparent" not in event().attributes


def test_telemetry_comes_from_its_twin_under_its_own_id():
    written = event(TELEMETRY, {"noise": 1}, message_id="m-1", subject="sensor").attributes
    assert written["id"] == "m-1"
    assert written["source"] == "adt.example/digitaltwins/room"
    assert written["subject"] == "sensor"
    assert written["dataschema"] == "dtmi:test:Room;1"


def test_there_is_no_empty_subject():
    assert "subject" not in event(TELEMETRY, {}, message_id="m", subject="").attributes


def test_a_relationships_event_has_no_dataschema():
    assert "dataschema" not in event(RELATIONSHIP_UPDATE).attributes


def test_an_event_has_the_same_id_each_time_and_no_other_has_it():
    assert event().attributes["id"] == event().attributes["id"]
    assert event().attributes["id"] != event(position=2).attributes["id"]


def test_an_event_is_one_line():
    assert b"\n" not in event(TELEMETRY, {"text": "a\nb"}, message_id="a\tb").to_json()
