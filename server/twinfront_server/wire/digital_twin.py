"""Digital twins and components: messages to and from the JSON of Azure Digital Twins.

The form of that JSON is on the page "Digital twin JSON format".
"""

from collections.abc import Mapping
from typing import Any

import orjson

from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin, PropertyMetadata
from twinfront_server.adt.body import Body
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.adt.twin_json import (
    LAST_UPDATE_TIME,
    METADATA,
    MODEL,
    SOURCE_TIME,
    TWIN_LAST_UPDATE_TIME,
    is_component,
)
from twinfront_server.errors import entry, invalid_argument
from twinfront_server.wire.json_field import parse_json_object
from twinfront_server.wire.limits import MAX_VALUES, ValueCount, require_at_most
from twinfront_server.wire.timestamp import fill_timestamp, timestamp_text
from twinfront_server.wire.value import fill_value, plain_fields


@expects_answer
def fill_digital_twin(twin: DigitalTwin, body: bytes, *, as_json: bool, metadata: bool) -> None:
    """Sets an empty message to a twin that the upstream answered.

    Args:
        twin: the message.
        body: the twin as JSON.
        as_json: whether to hand the JSON on instead of filling in the typed fields.
        metadata: whether the metadata of properties is wanted.
    """
    if as_json:
        twin.json = body if metadata else orjson.dumps(without_property_metadata(parse_answer(body)))
    else:
        fill_listed_digital_twin(twin, parse_answer(body), metadata=metadata)


@expects_answer
def fill_listed_digital_twin(twin: DigitalTwin, document: Mapping[str, Any], *, metadata: bool) -> None:
    """Sets the typed fields of an empty message to a twin as parsed JSON."""
    for name, item in document.items():
        if name == METADATA:
            twin.model_id = item.get(MODEL, "")
            _fill_metadata(twin, item, metadata=metadata)
        elif name == "$dtId":
            twin.id = item
        elif name == "$etag":
            twin.etag = item
        elif is_component(item):
            _fill_component(twin.components[name], item, metadata=metadata)
        else:
            fill_value(twin.properties[name], item)


@expects_answer
def fill_component(component: Component, body: bytes, *, as_json: bool, metadata: bool) -> None:
    """Sets an empty message to a component that the upstream answered; arguments as for `fill_digital_twin`."""
    if as_json:
        component.json = body if metadata else orjson.dumps(without_property_metadata(parse_answer(body)))
    else:
        _fill_component(component, parse_answer(body), metadata=metadata)


def digital_twin_body(twin: DigitalTwin, digital_twin_id: str) -> Body:
    """Makes the JSON to send for a twin that a caller wants written.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if the message is in neither form, or in both; if its id is not the request's;
            for values that JSON cannot say; for a time out of range.
    """
    if twin.id not in ("", digital_twin_id):
        raise invalid_argument("digital_twin.id", "must be empty or equal to digital_twin_id")
    if twin.json:
        if twin.model_id or twin.properties or twin.components or twin.property_metadata:
            raise invalid_argument("digital_twin.json", "must be empty when the typed fields are used")
        if parse_json_object(twin.json, "digital_twin.json").get("$dtId") not in (None, "", digital_twin_id):
            raise invalid_argument("digital_twin.json", "$dtId must be absent or equal to digital_twin_id")
        return Body(twin.json, "digital_twin.json")
    if not twin.model_id:
        raise invalid_argument("digital_twin.model_id", "is required: the DTMI of the twin's model")
    count = ValueCount()
    document: dict[str, Any] = {
        METADATA: {MODEL: twin.model_id} | _source_times(twin.property_metadata, "digital_twin.property_metadata"),
        **_properties(twin, "digital_twin", count),
    }
    require_at_most(len(twin.components), MAX_VALUES, "digital_twin.components", "entries")
    for name, component in twin.components.items():
        field = entry("digital_twin.components", name)
        _refuse_system_name(name, field)
        if name in twin.properties:
            raise invalid_argument(field, "is given as a property too")
        if component.json:
            raise invalid_argument(f"{field}.json", "must be empty inside a twin; use digital_twin.json")
        times = _source_times(component.property_metadata, f"{field}.property_metadata")
        document[name] = {METADATA: times, **_properties(component, field, count)}
    return Body(orjson.dumps(document), "digital_twin", ids={"model_id": twin.model_id})


def _fill_component(component: Component, document: Mapping[str, Any], *, metadata: bool) -> None:
    for name, item in document.items():
        if name == METADATA:
            _fill_metadata(component, item, metadata=metadata)
        else:
            fill_value(component.properties[name], item)


def _fill_metadata(owner: DigitalTwin | Component, document: Mapping[str, Any], *, metadata: bool) -> None:
    if TWIN_LAST_UPDATE_TIME in document:
        fill_timestamp(owner.last_update_time, document[TWIN_LAST_UPDATE_TIME])
    if not metadata:
        return
    entries = owner.property_metadata
    for name, times in document.items():
        if type(times) is dict:
            message = entries[name]
            if LAST_UPDATE_TIME in times:
                fill_timestamp(message.last_update_time, times[LAST_UPDATE_TIME])
            if SOURCE_TIME in times:
                fill_timestamp(message.source_time, times[SOURCE_TIME])


@expects_answer
def without_property_metadata(document: dict[str, Any]) -> dict[str, Any]:
    """Takes the metadata of properties out of a twin or component as parsed JSON, and gives it back."""
    for part in (document, *document.values()):
        if is_component(part):
            part[METADATA] = {name: item for name, item in part[METADATA].items() if type(item) is not dict}
    return document


def _properties(owner: DigitalTwin | Component, field: str, count: ValueCount) -> dict[str, Any]:
    properties = plain_fields(owner.properties, f"{field}.properties", count)
    for name in properties:
        if name.startswith("$"):
            _refuse_system_name(name, entry(f"{field}.properties", name))
    return properties


def _refuse_system_name(name: str, field: str) -> None:
    """Refuses a property with a name such as `$etag`, which would mean something else than its author meant."""
    if name.startswith("$"):
        raise invalid_argument(field, "names that begin with $ belong to the service")


def _source_times(entries: Mapping[str, PropertyMetadata], field: str) -> dict[str, Any]:
    require_at_most(len(entries), MAX_VALUES, field, "entries")
    times = {}
    for name, metadata in entries.items():
        if metadata.HasField("source_time"):
            _refuse_system_name(name, entry(field, name))
            try:
                times[name] = {SOURCE_TIME: timestamp_text(metadata.source_time)}
            except ValueError:
                message = "is not a time between the years 1 and 9999, with nanos from 0 to 999999999"
                raise invalid_argument(f"{entry(field, name)}.source_time", message) from None
    return times
