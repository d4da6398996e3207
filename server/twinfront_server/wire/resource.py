"""Resources that requests are about: the ids in them, and what else a policy may go by."""

from collections.abc import Iterable
from typing import Any, Final

from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.relationship_pb2 import Relationship
from twinfront_server.adt.twin_json import MODEL, metadata_of
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.json_field import parse_json_object

ID_FIELDS: Final = (
    "digital_twin_id",
    "component_name",
    "relationship_id",
    "model_id",
    "event_route_id",
    "job_id",
)
"""Fields of requests that name a resource."""


def ids_in(request: Any, names: Iterable[str]) -> dict[str, str]:
    """Gives the ids that are there.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for one that no resource can have.
    """
    return {name: required_id(text, name) for name in names if (text := getattr(request, name))}


def model_of(twin: DigitalTwin) -> dict[str, str]:
    """Gives the model that a twin is to have, if it is there.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for what no model or no twin can be.
    """
    model: object = twin.model_id
    if twin.json:
        model = metadata_of(parse_json_object(twin.json, "digital_twin.json")).get(MODEL)
    return {"model_id": required_id(model, "digital_twin.model_id")} if model and isinstance(model, str) else {}


def target_of(relationship: Relationship) -> dict[str, str]:
    """Gives the twin that a relationship is to lead to, if it is there.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for what no twin's id or no relationship can be.
    """
    target: object = relationship.target_id
    if relationship.json:
        target = parse_json_object(relationship.json, "relationship.json").get("$targetId")
    return {"target_id": required_id(target, "relationship.target_id")} if target and isinstance(target, str) else {}
