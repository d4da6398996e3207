"""Relationships: messages to and from the JSON of Azure Digital Twins."""

from collections.abc import Mapping
from typing import Any

import orjson

from twinfront.v1.relationship_pb2 import IncomingRelationship, Relationship
from twinfront_server.adt.body import Body
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.errors import entry, invalid_argument
from twinfront_server.wire.json_field import parse_json_object
from twinfront_server.wire.value import fill_value, plain_fields


@expects_answer
def fill_relationship(relationship: Relationship, body: bytes, *, as_json: bool) -> None:
    """Sets an empty message to a relationship that the upstream answered."""
    if as_json:
        relationship.json = body
    else:
        fill_listed_relationship(relationship, parse_answer(body), as_json=False)


@expects_answer
def fill_listed_relationship(relationship: Relationship, item: Mapping[str, Any], *, as_json: bool) -> None:
    """Sets an empty message to one item of a list of relationships."""
    if as_json:
        relationship.json = orjson.dumps(item)
        return
    for name, member in item.items():
        match name:
            case "$relationshipId":
                relationship.id = member
            case "$etag":
                relationship.etag = member
            case "$sourceId":
                relationship.source_id = member
            case "$targetId":
                relationship.target_id = member
            case "$relationshipName":
                relationship.name = member
            case _:
                fill_value(relationship.properties[name], member)


@expects_answer
def fill_incoming_relationship(relationship: IncomingRelationship, item: Mapping[str, Any], *, as_json: bool) -> None:
    """Sets an empty message to one item of a list of incoming relationships."""
    if as_json:
        relationship.json = orjson.dumps(item)
        return
    relationship.relationship_id = item["$relationshipId"]
    relationship.source_id = item["$sourceId"]
    relationship.name = item["$relationshipName"]


def relationship_body(relationship: Relationship, digital_twin_id: str, relationship_id: str) -> Body:
    """Makes the JSON to send for a relationship that a caller wants written.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if the message is in neither form, or in both; if its ids are not the
            request's; without name or target; for values that JSON cannot say.
    """
    for field, given, expected in (
        ("id", relationship.id, relationship_id),
        ("source_id", relationship.source_id, digital_twin_id),
    ):
        if given not in ("", expected):
            raise invalid_argument(f"relationship.{field}", "must be empty or equal to the id in the request")
    if relationship.json:
        if relationship.name or relationship.target_id or relationship.properties:
            raise invalid_argument("relationship.json", "must be empty when the typed fields are used")
        document = parse_json_object(relationship.json, "relationship.json")
        for member, expected in (("$relationshipId", relationship_id), ("$sourceId", digital_twin_id)):
            if document.get(member) not in (None, "", expected):
                raise invalid_argument(
                    "relationship.json", f"{member} must be absent or equal to the id in the request"
                )
        return Body(relationship.json, "relationship.json", ids=_target(document.get("$targetId")))
    if not relationship.name:
        raise invalid_argument("relationship.name", "is required: a relationship of the source twin's model")
    if not relationship.target_id:
        raise invalid_argument("relationship.target_id", "is required: the id of the target twin")
    properties = plain_fields(relationship.properties, "relationship.properties")
    for name in properties:
        if name.startswith("$"):
            field = entry("relationship.properties", name)
            raise invalid_argument(field, "names that begin with $ belong to the service")
    document = {
        "$relationshipName": relationship.name,
        "$targetId": relationship.target_id,
        **properties,
    }
    return Body(orjson.dumps(document), "relationship", ids=_target(relationship.target_id))


def _target(target_id: object) -> dict[str, str]:
    return {"target_id": target_id} if isinstance(target_id, str) else {}
