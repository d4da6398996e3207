"""Relationships: messages and JSON."""

from typing import Any

import orjson
import pytest

from twinfront.v1.relationship_pb2 import IncomingRelationship, Relationship
from twinfront.v1.value_pb2 import ObjectValue, Value
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.relationship import fill_incoming_relationship, fill_relationship, relationship_body

ANSWER: dict[str, Any] = {
    "$relationshipId": "r",
    "$etag": 'W/"1"',
    "$sourceId": "floor",
    "$relationshipName": "contains",
    "$targetId": "room",
    "weight": 2**63 - 1,
    "tags": {},
}
INCOMING = {
    "$relationshipId": "r",
    "$sourceId": "floor",
    "$relationshipName": "contains",
    "$relationshipLink": "https://localhost/digitaltwins/floor/relationships/r",
}


def test_the_typed_representation_has_every_part():
    relationship = Relationship()
    fill_relationship(relationship, orjson.dumps(ANSWER), as_json=False)
    assert relationship == Relationship(
        id="r",
        etag='W/"1"',
        source_id="floor",
        target_id="room",
        name="contains",
        properties={"weight": Value(int_value=2**63 - 1), "tags": Value(object_value=ObjectValue())},
    )


def test_the_json_representation_is_the_answer_untouched():
    relationship = Relationship()
    fill_relationship(relationship, orjson.dumps(ANSWER), as_json=True)
    assert relationship == Relationship(json=orjson.dumps(ANSWER))


def test_an_incoming_relationship_in_both_representations():
    typed, as_json = IncomingRelationship(), IncomingRelationship()
    fill_incoming_relationship(typed, INCOMING, as_json=False)
    fill_incoming_relationship(as_json, INCOMING, as_json=True)
    assert typed == IncomingRelationship(relationship_id="r", source_id="floor", name="contains")
    assert orjson.loads(as_json.json) == INCOMING


def test_a_typed_relationship_becomes_the_service_s_json():
    relationship = Relationship(name="contains", target_id="room", properties={"weight": Value(double_value=1.0)})
    body = relationship_body(relationship, "floor", "r")
    assert body.content == b'{"$relationshipName":"contains","$targetId":"room","weight":1.0}'
    assert body.ids == {"target_id": "room"}


def test_json_is_sent_as_it_came():
    text = b'{ "$relationshipName": "contains", "$targetId": "room", "$sourceId": "floor" }'
    body = relationship_body(Relationship(id="r", source_id="floor", json=text), "floor", "r")
    assert body.content == text
    assert body.ids == {"target_id": "room"}


@pytest.mark.parametrize(
    ("relationship", "field"),
    [
        (Relationship(), "relationship.name"),
        (Relationship(name="contains"), "relationship.target_id"),
        (Relationship(id="other", name="contains", target_id="room"), "relationship.id"),
        (Relationship(source_id="other", name="contains", target_id="room"), "relationship.source_id"),
        (Relationship(source_id="other", json=b"{}"), "relationship.source_id"),
        (Relationship(json=b'{"$relationshipId": "other"}'), "relationship.json"),
        (Relationship(json=b'{"$sourceId": 5}'), "relationship.json"),
        (Relationship(json=b"null"), "relationship.json"),
        (Relationship(json=b"{"), "relationship.json"),
        (Relationship(json=b"{}", name="contains"), "relationship.json"),
        (Relationship(json=b"{}", target_id="room"), "relationship.json"),
        (Relationship(json=b"{}", properties={"a": Value(int_value=1)}), "relationship.json"),
        (
            Relationship(name="contains", target_id="room", properties={"$etag": Value(string_value="x")}),
            'relationship.properties["$etag"]',
        ),
        (
            Relationship(name="contains", target_id="room", properties={"a": Value()}),
            'relationship.properties["a"]',
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_field(relationship: Relationship, field: str):
    with pytest.raises(TwinfrontError) as caught:
        relationship_body(relationship, "floor", "r")
    violation = caught.value.details[0].field_violations[0]  # type: ignore[attr-defined]
    assert (caught.value.reason, violation.field) == ("INVALID_ARGUMENT", field)
