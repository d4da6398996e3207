"""CloudEvents of Azure Digital Twins become changes; what makes no sense is told, what is none is left alone."""

import json
import os
import tracemalloc
from datetime import UTC, datetime
from time import process_time
from typing import Any

import orjson
import pytest
from tests.changes.events import HOST, ROOM, binary, structured, updated
from tests.hostile.measuring import resident_megabytes

from twinfront_server.adt.change import Change, Kind
from twinfront_server.adt.cloud_event import MAX_EVENT_BYTES, Event, change_of

TAKEN = datetime(2026, 6, 1, 8, 0, 0, 5, UTC)
ETAG = 'W/"e59ce8f5-03c0-4356-aea9-249ecbdc07f9"'
TWIN = {"$dtId": "room-1", "$etag": ETAG, "temperature": 21.5, "$metadata": {"$model": ROOM}}
RELATIONSHIP = {
    "$relationshipId": "door",
    "$etag": ETAG,
    "$sourceId": "room-1",
    "$relationshipName": "leadsTo",
    "$targetId": "room-2",
}
PATCH = [{"value": 22, "path": "/temperature", "op": "replace"}]


def event(properties: dict[str, Any], body: bytes, content_type: str = "") -> Event:
    return Event("3", 17, TAKEN, properties, body, content_type)


def read(kind: str, subject: str | None, data: Any, **changed: Any) -> Change:
    change = change_of(event(*binary(kind, subject, data, **changed)))
    assert change is not None
    return change


def why(change: Change | None) -> str:
    assert change is not None
    assert change.kind is Kind.UNREADABLE
    return str(orjson.loads(change.data))


def test_a_created_twin_is_told_with_its_model_and_etag() -> None:
    change = read("Microsoft.DigitalTwins.Twin.Create", "room-1", TWIN, id="one")
    assert change == Change(
        partition="3",
        sequence=17,
        id="one",
        kind=Kind.TWIN_CREATED,
        time="2026-06-01T07:30:12.4071355Z",
        digital_twin_id="room-1",
        relationship_id="",
        component_name="",
        model_id=ROOM,
        data=orjson.dumps(TWIN),
        etag=ETAG,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        logged_time="2026-06-01T08:00:00.000005Z",
    )


def test_a_deleted_twin_is_told_as_it_was() -> None:
    change = read("Microsoft.DigitalTwins.Twin.Delete", "room-1", TWIN)
    assert (change.kind, change.digital_twin_id, change.data) == (Kind.TWIN_DELETED, "room-1", orjson.dumps(TWIN))


def test_an_update_of_a_twin_is_told_with_its_patch() -> None:
    change = read("Microsoft.DigitalTwins.Twin.Update", "room-1", {"modelId": ROOM, "patch": PATCH})
    assert (change.kind, change.digital_twin_id, change.model_id) == (Kind.TWIN_UPDATED, "room-1", ROOM)
    assert orjson.loads(change.data) == {"modelId": ROOM, "patch": PATCH}


def test_a_twin_whose_model_was_changed_has_the_new_model() -> None:
    patch = [{"op": "replace", "path": "/$metadata/$model", "value": "dtmi:example:Hall;1"}, *PATCH]
    change = read("Microsoft.DigitalTwins.Twin.Update", "room-1", {"modelId": ROOM, "patch": patch})
    assert change.model_id == "dtmi:example:Hall;1"


@pytest.mark.parametrize(
    ("kind", "told"), [("Create", Kind.RELATIONSHIP_CREATED), ("Delete", Kind.RELATIONSHIP_DELETED)]
)
def test_a_relationship_is_told_with_both_its_ends(kind: str, told: Kind) -> None:
    change = read(f"Microsoft.DigitalTwins.Relationship.{kind}", "room-1/relationships/door", RELATIONSHIP)
    ids = (change.digital_twin_id, change.relationship_id, change.target_id, change.relationship_name)
    assert ids == ("room-1", "door", "room-2", "leadsTo")
    assert (change.kind, change.etag) == (told, ETAG)


def test_an_update_of_a_relationship_is_known_by_its_subject() -> None:
    data = {"modelId": ROOM, "patch": PATCH}
    change = read("Microsoft.DigitalTwins.Relationship.Update", "room 1/relationships/door", data)
    assert (change.digital_twin_id, change.relationship_id, change.model_id) == ("room 1", "door", ROOM)


def test_a_relationship_that_is_replaced_has_the_target_and_the_name_of_the_patch() -> None:
    patch = [{"op": "replace", "path": "/$targetId", "value": "room-3"}, *PATCH]
    change = read("Microsoft.DigitalTwins.Relationship.Update", "a/relationships/b", {"modelId": ROOM, "patch": patch})
    assert (change.target_id, change.relationship_name) == ("room-3", "")


def test_telemetry_of_a_twin_is_known_by_its_source() -> None:
    change = read("microsoft.iot.telemetry", None, {"t": 1}, source=f"{HOST}/digitaltwins/room-1")
    assert (change.kind, change.digital_twin_id, change.component_name) == (Kind.TELEMETRY, "room-1", "")
    assert (change.data, change.model_id) == (b'{"t":1}', ROOM)


def test_telemetry_of_a_component_names_it() -> None:
    change = read("microsoft.iot.telemetry", "thermostat", 5, source=f"{HOST}/digitaltwins/room-1")
    assert (change.digital_twin_id, change.component_name, change.data) == ("room-1", "thermostat", b"5")


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce_"])
def test_attributes_are_read_from_properties_of_amqp_and_headers_of_kafka(prefix: str) -> None:
    properties, body = binary("Microsoft.DigitalTwins.Twin.Create", "room-1", TWIN)
    renamed = {name.replace("cloudEvents:", prefix): value.encode() for name, value in properties.items()}
    change = change_of(event(renamed, body))
    assert change is not None
    assert (change.kind, change.digital_twin_id) == (Kind.TWIN_CREATED, "room-1")


def amqp(value: str) -> bytes:
    encoded = value.encode()
    long = len(encoded) > 255
    return (b"\xb1" + len(encoded).to_bytes(4) if long else b"\xa1" + bytes([len(encoded)])) + encoded


@pytest.mark.parametrize("twin_id", ["room-1", "ä" * 128])
def test_headers_of_the_kafka_endpoint_of_an_event_hub_are_still_encoded_as_in_amqp(twin_id: str) -> None:
    data = {"modelId": ROOM, "patch": PATCH}
    properties, body = binary("Microsoft.DigitalTwins.Twin.Update", twin_id, data)
    headers = {name: amqp(value) for name, value in properties.items()}
    headers["cloudEvents:time"] = b"\x83" + (1_780_000_000_123).to_bytes(8)
    change = change_of(event(headers, body))
    assert change is not None
    assert (change.digital_twin_id, change.time) == (twin_id, "2026-05-28T20:26:40.123000Z")


@pytest.mark.parametrize("where", ["content-type", "property"])
def test_an_event_in_structured_mode_is_read_from_its_body(where: str) -> None:
    body = structured("Microsoft.DigitalTwins.Twin.Create", "room-1", TWIN)
    content_type = "application/cloudevents+json; charset=utf-8"
    beside: dict[str, Any] = {"content-type": content_type.encode()} if where == "property" else {}
    change = change_of(event(beside, body, "" if beside else content_type))
    assert change is not None
    assert (change.kind, change.digital_twin_id, change.data) == (Kind.TWIN_CREATED, "room-1", orjson.dumps(TWIN))


def test_an_event_without_a_time_has_that_at_which_the_log_took_it() -> None:
    change = read("microsoft.iot.telemetry", None, 1, source=f"{HOST}/digitaltwins/room-1", time=None)
    assert change.time == "2026-06-01T08:00:00.000005Z"


@pytest.mark.parametrize(
    ("properties", "body"),
    [
        ({}, b"temperature=20"),
        ({}, b""),
        ({}, orjson.dumps({"temperature": 20})),
        ({"cloudEvents:type": "com.example.other", "cloudEvents:id": "1"}, b"nothing to parse"),
        ({"iothub-message-schema": "x", b"key".decode(): None}, b"{}"),
        ({"content-type": "application/cloudevents+json"}, structured("com.example.other", "a", {})),
    ],
    ids=["text", "nothing", "json", "other-event", "odd-properties", "other-structured-event"],
)
def test_what_is_no_event_of_a_graph_is_no_change(properties: dict[str, Any], body: bytes) -> None:
    assert change_of(event(properties, body)) is None


DEEP: Any = json.loads("[" * 30 + "]" * 30)
UPDATE = "Microsoft.DigitalTwins.Twin.Update"


@pytest.mark.parametrize(
    ("kind", "subject", "data", "reason"),
    [
        (UPDATE, None, {"modelId": ROOM, "patch": PATCH}, "it has no subject"),
        (UPDATE, "room-1", {"modelId": ROOM}, "its patch is none"),
        (UPDATE, "room-1", {"modelId": ROOM, "patch": {}}, "its patch is none"),
        (UPDATE, "room-1", {"modelId": ROOM, "patch": [{"op": "move", "path": "/a"}]}, "its patch is none"),
        (UPDATE, "room-1", {"modelId": ROOM, "patch": [{"op": "add", "path": "/a"}]}, "its patch is none"),
        (UPDATE, "room-1", {"modelId": ROOM, "patch": [{"op": "add", "path": 5, "value": 5}]}, "its patch is none"),
        (UPDATE, "room-1", {"modelId": ROOM, "patch": [{"op": [], "path": "/a", "value": 5}]}, "its patch is none"),
        (UPDATE, "room-1", [], "its patch is none"),
        (UPDATE, "room-1", {"modelId": ROOM, "patch": [{"op": "add", "path": "/a", "value": DEEP}]}, "it is nested"),
        ("Microsoft.DigitalTwins.Twin.Create", "room-1", "room", "its data is no digital twin"),
        ("Microsoft.DigitalTwins.Twin.Create", "room-1", {"$metadata": {}}, "its data is no digital twin"),
        ("Microsoft.DigitalTwins.Twin.Create", "room-1", TWIN | {"$etag": 5}, "its etag is none"),
        ("Microsoft.DigitalTwins.Twin.Create", "room-1", TWIN | {"$dtId": None}, "its data is no digital twin"),
        ("Microsoft.DigitalTwins.Relationship.Create", "a/relationships/b", {}, "its data is no relationship"),
        ("Microsoft.DigitalTwins.Relationship.Create", "a", RELATIONSHIP | {"$targetId": 5}, "its data is no relation"),
        ("Microsoft.DigitalTwins.Relationship.Update", "a/b", {"patch": PATCH}, "it does not say which relationship"),
        ("microsoft.iot.telemetry", None, 5, "it does not say which digital twin sent it"),
        ("Microsoft.DigitalTwins.Twin.Renamed", "room-1", {}, "its type is none that this server knows"),
    ],
)
def test_an_event_of_a_graph_that_makes_no_sense_is_told_with_the_reason(
    kind: str, subject: str | None, data: Any, reason: str
) -> None:
    change = change_of(event(*binary(kind, subject, data)))
    assert why(change).startswith(reason)


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("id", None, "it has no id"),
        ("id", "", "it has no id"),
        ("time", "yesterday", "its time is none"),
        ("time", "2026-06-01T07:30:12", "its time is none"),
        ("time", "2026-06-31T07:30:12Z", "its time is none"),
        ("time", "2026-W01-1T00:00:00Z", "its time is none"),
    ],
)
def test_an_event_of_a_graph_with_a_bad_attribute_is_told(attribute: str, value: str | None, reason: str) -> None:
    change = read(UPDATE, "room-1", {"modelId": ROOM, "patch": PATCH}, **{attribute: value})
    assert why(change) == reason
    assert change.id


def test_an_event_that_is_cut_off_is_told() -> None:
    properties, body = binary(UPDATE, "room-1", {"modelId": ROOM, "patch": PATCH})
    assert why(change_of(event(properties, body[:-1]))) == "it is no JSON"


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'"\xff"', b'"\\ud800"', b"NaN"])
def test_a_body_that_nobody_can_parse_is_told(body: bytes) -> None:
    properties, _ = binary(UPDATE, "room-1", {})
    assert why(change_of(event(properties, body))) == "it is no JSON"


def test_an_event_of_more_than_a_megabyte_is_told_without_being_parsed() -> None:
    properties, _ = binary(UPDATE, "room-1", {})
    body = b"[" + b"{}," * (MAX_EVENT_BYTES // 2) + b"{}]"
    begun = process_time()
    tracemalloc.start()
    change = change_of(event(properties, body))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert why(change) == "it has more than 1048576 bytes"
    assert peak < 1 << 20
    assert process_time() - begun < 1


def test_an_event_that_makes_no_sense_has_the_same_id_whenever_it_is_read() -> None:
    properties, body = binary(UPDATE, "room-1", {"modelId": ROOM, "patch": PATCH}, id=None)  # type: ignore[arg-type]  # left out
    first, second = (change_of(event(properties, body)) for _ in range(2))
    assert first is not None
    assert first == second
    assert first.id == "3:17"


@pytest.mark.parametrize("value", [True, 1.5, None, [], {}, 10**40, b"\x83", b"\xa1", b"\xb1\x00", b"\xff\xfe"])
def test_an_attribute_of_an_odd_type_is_as_good_as_none(value: Any) -> None:
    properties, body = binary(UPDATE, "room-1", {"modelId": ROOM, "patch": PATCH})
    assert change_of(event({**properties, "cloudEvents:traceparent": value}, body)) is not None
    assert why(change_of(event({**properties, "cloudEvents:time": value}, body))) == "its time is none"


def test_five_thousand_changes_are_kept_in_a_few_megabytes() -> None:
    before = resident_megabytes(os.getpid())
    changes = [change_of(event(*updated("room-1", number))) for number in range(5_000)]
    assert None not in changes
    assert resident_megabytes(os.getpid()) - before < 10
