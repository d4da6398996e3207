"""Digital twins and components: messages and JSON."""

from typing import Any

import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin, PropertyMetadata
from twinfront.v1.value_pb2 import ObjectValue, Value
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.digital_twin import digital_twin_body, fill_component, fill_digital_twin

MODEL = "dtmi:example:Room;1"
SECONDS = 1_664_424_161  # 2022-09-29T04:02:41Z
ANSWER: dict[str, Any] = {
    "$dtId": "room",
    "$etag": 'W/"1"',
    "temperature": 21.5,
    "counts": {"a": 2**62, "b": []},
    "thermostat": {
        "setpoint": 20,
        "$metadata": {
            "$lastUpdateTime": "2022-09-29T04:02:41.0000002Z",
            "setpoint": {"lastUpdateTime": "2022-09-29T04:02:41.0000002Z"},
        },
    },
    "$metadata": {
        "$model": MODEL,
        "$lastUpdateTime": "2022-09-29T04:02:41.0000003Z",
        "temperature": {"lastUpdateTime": "2022-09-29T04:02:41.0000003Z", "sourceTime": "2022-09-29T06:02:41+02:00"},
        "counts": {"lastUpdateTime": "2022-09-29T04:02:41.0000003Z", "sourceTime": "last week"},
    },
}


def _filled(*, as_json: bool = False, metadata: bool = True) -> DigitalTwin:
    twin = DigitalTwin()
    fill_digital_twin(twin, orjson.dumps(ANSWER), as_json=as_json, metadata=metadata)
    return twin


def _refused(twin: DigitalTwin) -> str:
    with pytest.raises(TwinfrontError) as caught:
        digital_twin_body(twin, "room")
    assert caught.value.reason == "INVALID_ARGUMENT"
    field: str = caught.value.details[0].field_violations[0].field  # type: ignore[attr-defined]
    return field


def test_the_typed_representation_has_every_part_of_the_twin():
    twin = _filled()
    assert (twin.id, twin.etag, twin.model_id) == ("room", 'W/"1"', MODEL)
    assert set(twin.properties) == {"temperature", "counts"}
    assert twin.properties["temperature"].double_value == 21.5
    assert twin.properties["counts"].object_value.fields["a"].int_value == 2**62
    assert twin.components["thermostat"].properties["setpoint"].int_value == 20
    assert not twin.json


def test_times_are_typed_to_100_ns():
    twin = _filled()
    assert twin.last_update_time == Timestamp(seconds=SECONDS, nanos=300)
    assert twin.components["thermostat"].last_update_time == Timestamp(seconds=SECONDS, nanos=200)
    temperature = twin.property_metadata["temperature"]
    assert temperature.last_update_time == Timestamp(seconds=SECONDS, nanos=300)
    assert temperature.source_time == Timestamp(seconds=SECONDS)


def test_a_source_time_that_is_no_time_is_left_out():
    metadata = _filled().property_metadata["counts"]
    assert metadata.HasField("last_update_time")
    assert not metadata.HasField("source_time")


def test_the_json_representation_is_the_answer_untouched():
    twin = _filled(as_json=True)
    assert twin == DigitalTwin(json=orjson.dumps(ANSWER))


def test_the_basic_view_leaves_out_the_metadata_of_properties():
    twin = _filled(metadata=False)
    assert twin.model_id == MODEL
    assert twin.last_update_time.nanos == 300
    assert twin.components["thermostat"].last_update_time.nanos == 200
    assert not twin.property_metadata
    assert not twin.components["thermostat"].property_metadata


def test_the_basic_view_in_json_keeps_the_model_and_the_times():
    document = orjson.loads(_filled(as_json=True, metadata=False).json)
    assert document["$metadata"] == {"$model": MODEL, "$lastUpdateTime": "2022-09-29T04:02:41.0000003Z"}
    assert document["thermostat"] == {
        "setpoint": 20,
        "$metadata": {"$lastUpdateTime": "2022-09-29T04:02:41.0000002Z"},
    }
    assert document["counts"] == ANSWER["counts"]


def test_a_component_is_typed_like_the_one_inside_its_twin():
    component = Component()
    fill_component(component, orjson.dumps(ANSWER["thermostat"]), as_json=False, metadata=True)
    assert component == _filled().components["thermostat"]


def test_a_component_in_the_basic_view_in_json():
    component = Component()
    fill_component(component, orjson.dumps(ANSWER["thermostat"]), as_json=True, metadata=False)
    assert orjson.loads(component.json)["$metadata"] == {"$lastUpdateTime": "2022-09-29T04:02:41.0000002Z"}


def test_a_typed_twin_becomes_the_service_s_json():
    twin = DigitalTwin(
        id="room",
        model_id=MODEL,
        properties={"temperature": Value(double_value=21.0), "a.b": Value(int_value=-(2**63))},
        components={
            "thermostat": Component(
                properties={"setpoint": Value(int_value=20)},
                property_metadata={"setpoint": PropertyMetadata(source_time=Timestamp(seconds=SECONDS, nanos=100))},
            ),
            "empty": Component(),
        },
        property_metadata={"temperature": PropertyMetadata(source_time=Timestamp(seconds=SECONDS))},
    )
    assert orjson.loads(digital_twin_body(twin, "room").content) == {
        "$metadata": {"$model": MODEL, "temperature": {"sourceTime": "2022-09-29T04:02:41.0000000Z"}},
        "temperature": 21.0,
        "a.b": -(2**63),
        "thermostat": {
            "$metadata": {"setpoint": {"sourceTime": "2022-09-29T04:02:41.0000001Z"}},
            "setpoint": 20,
        },
        "empty": {"$metadata": {}},
    }


def test_an_answer_can_be_written_back():
    twin = _filled()
    body = orjson.loads(digital_twin_body(twin, "room").content)
    assert body["counts"] == ANSWER["counts"]
    assert body["thermostat"]["setpoint"] == 20
    assert body["$metadata"]["temperature"] == {"sourceTime": "2022-09-29T04:02:41.0000000Z"}


def test_json_is_sent_as_it_came():
    text = b' {"$metadata": {"$model": "dtmi:example:Room;1"}, "x": 1.0} '
    assert digital_twin_body(DigitalTwin(id="room", json=text), "room").content == text


@pytest.mark.parametrize(
    ("twin", "field"),
    [
        (DigitalTwin(), "digital_twin.model_id"),
        (DigitalTwin(id="other", model_id=MODEL), "digital_twin.id"),
        (DigitalTwin(id="other", json=b"{}"), "digital_twin.id"),
        (DigitalTwin(json=b'{"$dtId": "other"}'), "digital_twin.json"),
        (DigitalTwin(json=b'{"$dtId": 1}'), "digital_twin.json"),
        (DigitalTwin(json=b"[]"), "digital_twin.json"),
        (DigitalTwin(json=b'{"a": NaN}'), "digital_twin.json"),
        (DigitalTwin(json=b"\xff"), "digital_twin.json"),
        (DigitalTwin(json=b'{"a":' * 100_000), "digital_twin.json"),
        (DigitalTwin(json=b"{}", model_id=MODEL), "digital_twin.json"),
        (DigitalTwin(json=b"{}", properties={"a": Value(int_value=1)}), "digital_twin.json"),
        (DigitalTwin(json=b"{}", components={"a": Component()}), "digital_twin.json"),
        (DigitalTwin(json=b"{}", property_metadata={"a": PropertyMetadata()}), "digital_twin.json"),
        (DigitalTwin(model_id=MODEL, properties={"a": Value()}), 'digital_twin.properties["a"]'),
        (
            DigitalTwin(model_id=MODEL, properties={"a": Value(object_value=ObjectValue(fields={"b": Value()}))}),
            'digital_twin.properties["a"].object_value.fields["b"]',
        ),
        (
            DigitalTwin(model_id=MODEL, properties={"$etag": Value(string_value="x")}),
            'digital_twin.properties["$etag"]',
        ),
        (DigitalTwin(model_id=MODEL, components={"$metadata": Component()}), 'digital_twin.components["$metadata"]'),
        (
            DigitalTwin(model_id=MODEL, components={"c": Component(properties={"$metadata": Value(int_value=1)})}),
            'digital_twin.components["c"].properties["$metadata"]',
        ),
        (
            DigitalTwin(model_id=MODEL, components={"c": Component(properties={"p": Value()})}),
            'digital_twin.components["c"].properties["p"]',
        ),
        (
            DigitalTwin(model_id=MODEL, components={"c": Component(json=b"{}")}),
            'digital_twin.components["c"].json',
        ),
        (
            DigitalTwin(model_id=MODEL, components={"c": Component()}, properties={"c": Value(int_value=1)}),
            'digital_twin.components["c"]',
        ),
        (
            DigitalTwin(
                model_id=MODEL,
                property_metadata={"p": PropertyMetadata(source_time=Timestamp(seconds=2**60))},
            ),
            'digital_twin.property_metadata["p"].source_time',
        ),
        (
            DigitalTwin(
                model_id=MODEL,
                property_metadata={"$model": PropertyMetadata(source_time=Timestamp(seconds=1))},
            ),
            'digital_twin.property_metadata["$model"]',
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_field(twin: DigitalTwin, field: str):
    assert _refused(twin) == field


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"$dtId": ', b"\xff"])
@pytest.mark.parametrize("metadata", [True, False])
def test_an_answer_that_is_no_json_is_the_upstream_s_fault(body: bytes, metadata: bool):
    with pytest.raises(TwinfrontError) as caught:
        fill_digital_twin(DigitalTwin(), body, as_json=not metadata, metadata=metadata)
    assert caught.value.reason == "UPSTREAM_UNAVAILABLE"
