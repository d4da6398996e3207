"""How large requests may be."""

import time
from collections.abc import Callable

import orjson
import pytest
from google.protobuf.message import Message

from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.event_route_service_pb2 import CreateOrReplaceEventRouteRequest, EventRoute
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.model_service_pb2 import CreateModelsRequest
from twinfront.v1.query_service_pb2 import QueryTwinsRequest
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.telemetry_service_pb2 import PublishTelemetryRequest
from twinfront.v1.value_pb2 import ListValue, ObjectValue, Value
from twinfront_server.adt.json_text import json_values
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire import limits
from twinfront_server.wire.digital_twin import digital_twin_body
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.json_patch import json_patch_body
from twinfront_server.wire.merge import merge_of
from twinfront_server.wire.model import models_body
from twinfront_server.wire.relationship import relationship_body
from twinfront_server.wire.telemetry import telemetry_body

MANY = limits.MAX_VALUES + 1
ONE = Value(int_value=1)
ADD = JsonPatchOperation.OP_ADD


def numbers(count: int) -> Value:
    return Value(list_value=ListValue(values=[ONE] * count))


def text(count: int) -> bytes:
    return orjson.dumps({"a": [1] * (count - 1)})


def refusal(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(TwinfrontError) as caught:
        work()
    (violation,) = caught.value.details[0].field_violations  # type: ignore[attr-defined]
    return violation.field, violation.description


TOO_MANY_VALUES: list[tuple[str, Callable[[], object]]] = [
    (
        'digital_twin.properties["a"]',
        lambda: digital_twin_body(DigitalTwin(model_id="dtmi:a;1", properties={"a": numbers(MANY)}), "room"),
    ),
    (
        'digital_twin.components["c"].properties["b"]',
        lambda: digital_twin_body(
            DigitalTwin(
                model_id="dtmi:a;1",
                properties={"a": numbers(limits.MAX_VALUES - 10)},
                components={"c": Component(properties={"b": numbers(10)})},
            ),
            "room",
        ),
    ),
    ("digital_twin.json", lambda: digital_twin_body(DigitalTwin(json=text(MANY)), "room")),
    (
        'relationship.properties["a"].object_value.fields["b"]',
        lambda: relationship_body(
            Relationship(
                name="next",
                target_id="t",
                properties={"a": Value(object_value=ObjectValue(fields={"b": numbers(MANY)}))},
            ),
            "s",
            "r",
        ),
    ),
    ("relationship.json", lambda: relationship_body(Relationship(json=text(MANY)), "s", "r")),
    ('merge.fields["a"]', lambda: merge_of(ObjectValue(fields={"a": numbers(MANY)}), b"", "room")),
    ("merge_json", lambda: merge_of(None, text(MANY), "room")),
    ("payload", lambda: telemetry_body(PublishTelemetryRequest(payload=numbers(MANY)))),
    ("payload_json", lambda: telemetry_body(PublishTelemetryRequest(payload_json=text(MANY)))),
    (
        "patch[1].value",
        lambda: json_patch_body(
            [JsonPatchOperation(op=ADD, path="/a", value=numbers(count)) for count in (10, limits.MAX_VALUES - 5)]
        ),
    ),
    (
        "patch[1].value_json",
        lambda: json_patch_body(
            [JsonPatchOperation(op=ADD, path="/a", value_json=text(count)) for count in (10, limits.MAX_VALUES - 5)]
        ),
    ),
]


@pytest.mark.parametrize(("field", "work"), TOO_MANY_VALUES, ids=[field for field, _ in TOO_MANY_VALUES])
def test_more_values_than_any_twin_has_are_refused_by_their_field(field: str, work: Callable[[], object]):
    refused, description = refusal(work)
    assert refused == field
    assert f"values and may have {limits.MAX_VALUES}" in description


def test_as_many_values_as_may_be_are_read():
    body = digital_twin_body(DigitalTwin(model_id="dtmi:a;1", properties={"a": numbers(limits.MAX_VALUES - 1)}), "room")
    assert len(orjson.loads(body.content)["a"]) == limits.MAX_VALUES - 1
    assert merge_of(None, text(limits.MAX_VALUES - 1), "room").field == "merge_json"


def test_the_largest_twin_of_the_service_has_fewer_values_than_may_be():
    largest = b'{"a":[' + b"1," * (16 * 1024 - 8) + b"1]}"
    assert 32 * 1024 - 16 < len(largest) <= 32 * 1024
    assert json_values(largest) <= limits.MAX_VALUES


def test_the_values_of_a_text_are_never_fewer_than_counted():
    documents: list[object] = [[], [[]], {}, {"a": 1}, {"a": {"b": [1, {"c": 2}]}, "d": [[], [[]]]}, [0] * 100]
    for document in documents:
        values = sum(1 for _ in _inside(document))
        assert json_values(orjson.dumps(document)) >= values


def _inside(document: object) -> list[object]:
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return [*parts, *(inner for part in parts for inner in _inside(part))]


def test_a_patch_has_so_many_operations_and_no_more():
    remove = JsonPatchOperation(op=JsonPatchOperation.OP_REMOVE, path="/a")
    assert len(json_patch_body([remove] * limits.MAX_OPERATIONS).items) == limits.MAX_OPERATIONS
    field, description = refusal(lambda: json_patch_body([remove] * (limits.MAX_OPERATIONS + 1)))
    assert (field, description) == ("patch", "has 5001 operations and may have 5000")


def test_a_path_is_not_looked_into_when_it_is_too_long():
    remove = JsonPatchOperation.OP_REMOVE
    assert json_patch_body([JsonPatchOperation(op=remove, path="/" + "a" * (limits.MAX_PATH - 1))]).items
    field, _ = refusal(lambda: json_patch_body([JsonPatchOperation(op=remove, path="/" + "a" * limits.MAX_PATH)]))
    assert field == "patch[0].path"


def test_an_id_has_so_many_characters_and_no_more():
    assert required_id("x" * limits.MAX_NAME, "digital_twin_id")
    field, description = refusal(lambda: required_id("x" * (limits.MAX_NAME + 1), "digital_twin_id"))
    assert (field, description) == ("digital_twin_id", "has 2049 characters and may have 2048")


def test_a_batch_has_one_item_or_more_and_1000_at_the_most():
    limits.require_batch(1, "twins")
    limits.require_batch(1000, "twins")
    assert refusal(lambda: limits.require_batch(0, "twins")) == ("twins", "is required")
    assert refusal(lambda: limits.require_batch(1001, "twins")) == ("twins", "has 1001 items and may have 1000")


def test_250_models_go_together_and_no_more():
    model = '{"@id":"dtmi:a;1"}'
    assert len(models_body([model] * limits.MAX_MODELS).items) == limits.MAX_MODELS
    with pytest.raises(TwinfrontError) as caught:
        models_body([model] * (limits.MAX_MODELS + 1))
    assert caught.value.reason == "LIMIT_REACHED"


def test_models_that_go_together_have_so_many_values_and_no_more():
    half = orjson.dumps({"@id": "dtmi:a;1", "contents": [1] * (limits.MAX_MODEL_VALUES // 2 - 3)}).decode()
    assert len(models_body([half, half]).items) == 2
    field, description = refusal(lambda: models_body([half, half, half]))
    assert field == "dtdl_models[2]"
    assert description.endswith(f" values and may have {limits.MAX_MODEL_VALUES}")


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        (GetDigitalTwinRequest(digital_twin_id="x" * 65_537), "digital_twin_id", "INVALID_ARGUMENT"),
        (QueryTwinsRequest(query="x" * 65_537), "query", "QUERY_INVALID"),
        (QueryTwinsRequest(page_token="x" * 65_537), "page_token", "PAGE_TOKEN_INVALID"),
        (
            CreateOrReplaceEventRouteRequest(event_route=EventRoute(filter="x" * 65_537)),
            "event_route.filter",
            "INVALID_ARGUMENT",
        ),
    ],
)
def test_a_text_has_so_many_characters_and_no_more(message: Message, field: str, reason: str):
    with pytest.raises(TwinfrontError) as caught:
        limits.require_moderate_texts(message)
    (violation,) = caught.value.details[0].field_violations  # type: ignore[attr-defined]
    assert (violation.field, caught.value.reason) == (field, reason)
    assert violation.description == "has 65537 characters and may have 65536"


def test_a_text_of_the_longest_length_is_taken_wherever_it_is():
    limits.require_moderate_texts(QueryTwinsRequest(query="x" * 65_536, page_token="é" * 65_536))
    limits.require_moderate_texts(CreateOrReplaceEventRouteRequest(event_route=EventRoute(filter="x" * 65_536)))


def test_texts_in_lists_are_left_to_those_who_read_them():
    limits.require_moderate_texts(CreateModelsRequest(dtdl_models=["x" * 100_000]))


def test_strings_among_values_are_no_texts():
    limits.require_moderate_texts(PublishTelemetryRequest(payload=Value(string_value="x" * 100_000)))


def test_a_long_name_costs_once_and_not_for_each_value_below_it():
    twin = DigitalTwin(model_id="dtmi:a;1", properties={"n" * 3_000_000: numbers(10_000)})
    began = time.process_time()
    digital_twin_body(twin, "room")
    assert time.process_time() - began < 1.0


def test_a_request_is_not_parsed_that_is_made_of_empty_fields():
    empty = PublishTelemetryRequest(payload=Value(list_value=ListValue(values=[Value()] * (limits.MAX_EMPTY + 1))))
    field, description = refusal(lambda: limits.require_moderate_expansion(empty.SerializeToString()))
    assert (field, description) == ("request", "has 100001 empty fields and may have 100000")


def test_100000_empty_fields_are_as_many_as_there_may_be():
    entries = {f"{number:06}": Value() for number in range(limits.MAX_EMPTY)}
    request = PublishTelemetryRequest(payload=Value(object_value=ObjectValue(fields=entries))).SerializeToString()
    limits.require_moderate_expansion(request)
    field, description = refusal(lambda: limits.require_moderate_expansion(request + bytes([8 << 3 | 2, 0])))
    assert (field, description) == ("request", "has 100001 empty fields and may have 100000")


@pytest.mark.parametrize("number", range(1, 16))
def test_a_request_may_be_empty_in_any_of_its_fields(number: int):
    empty = bytes([number << 3 | 2, 0])
    limits.require_moderate_expansion(empty * 100_000)
    assert refusal(lambda: limits.require_moderate_expansion(empty * 100_001))[0] == "request"


def test_a_tag_that_goes_on_begins_no_empty_field():
    limits.require_moderate_expansion(b"\x82\x00" * 100_001)


def test_zeros_of_numbers_are_no_empty_fields():
    zeros = [Value(int_value=0), Value(double_value=0.0), Value(bool_value=False), Value(double_value=2.5)]
    request = PublishTelemetryRequest(payload=Value(list_value=ListValue(values=zeros * 30_000)))
    limits.require_moderate_expansion(request.SerializeToString())


def test_a_request_that_says_the_same_again_and_again_is_refused():
    once = DigitalTwin(properties={"a": ONE}).SerializeToString()
    twin = DigitalTwin.FromString(once * 3)
    assert twin.ByteSize() == len(once)
    limits.require_little_waste(twin, 2 * len(once) + 1)
    field, description = refusal(lambda: limits.require_little_waste(twin, 2 * len(once) + 2))
    assert field == "request"
    assert description.startswith(f"has {2 * len(once) + 2} bytes, and {len(once)} without")
