"""Changes of the graph: to the messages of a watch."""

from collections.abc import Mapping
from typing import Any

from twinfront.v1 import change_service_pb2 as messages
from twinfront_server.adt.change import RELATIONSHIPS, TWINS, UPDATES, Change, Kind
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.wire.digital_twin import fill_digital_twin, fill_listed_digital_twin
from twinfront_server.wire.json_patch import fill_json_patch
from twinfront_server.wire.model import fill_listed_model
from twinfront_server.wire.relationship import fill_listed_relationship, fill_relationship
from twinfront_server.wire.timestamp import fill_timestamp
from twinfront_server.wire.value import fill_value


@expects_answer
def change_message(change: Change, data: Any, *, as_json: bool) -> messages.Change:
    """Makes the message of a change as it stands in the log.

    Args:
        change: the change.
        data: its data, parsed.
        as_json: whether resources, values and messages of telemetry are wanted as the service's own JSON.
    """
    message = plain_message(change)
    message.incoming_relationships_left = change.kind is Kind.TWIN_DELETED
    if change.kind in UPDATES:
        fill_json_patch(message.patch, data["patch"], as_json=as_json)
    elif change.kind in TWINS:
        if as_json:
            message.digital_twin.json = change.data
        else:
            message.digital_twin.SetInParent()
            fill_listed_digital_twin(message.digital_twin, data, metadata=True)
    elif change.kind in RELATIONSHIPS:
        if as_json:
            message.relationship.json = change.data
        else:
            message.relationship.SetInParent()
            fill_listed_relationship(message.relationship, data, as_json=False)
    elif change.kind is Kind.TELEMETRY:
        if as_json:
            message.telemetry_json = change.data
        else:
            message.telemetry.SetInParent()
            fill_value(message.telemetry, data)
    else:
        _fill_model(message, data, as_json=as_json)
    return message


def plain_message(change: Change, kind: Kind | None = None) -> messages.Change:
    """Makes the message of a change without patch and resource; as of another kind, if it is told as such."""
    message = messages.Change(
        id=change.id,
        kind=(kind or change.kind).value,  # type: ignore[arg-type]  # the enum's numbers are the contract's
        digital_twin_id=change.digital_twin_id,
        relationship_id=change.relationship_id,
        component_name=change.component_name,
        model_id=change.model_id,
        etag=change.etag,
        traceparent=change.traceparent,
    )
    fill_timestamp(message.time, change.time)
    return message


def fill_resource(message: messages.Change, body: bytes, *, as_json: bool) -> None:
    """Adds the digital twin or relationship that a change is about, as it was read."""
    if message.relationship_id:
        message.relationship.SetInParent()
        fill_relationship(message.relationship, body, as_json=as_json)
    else:
        message.digital_twin.SetInParent()
        fill_digital_twin(message.digital_twin, body, as_json=as_json, metadata=True)


def _fill_model(message: messages.Change, data: Mapping[str, Any], *, as_json: bool) -> None:
    message.model.SetInParent()
    if message.kind == messages.CHANGE_KIND_MODEL_DELETED:
        message.model.id = message.model_id
    else:
        fill_listed_model(message.model, data, as_json=as_json)
