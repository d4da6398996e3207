"""CloudEvents of Azure Digital Twins, as an Event Hub or a Kafka topic has them, to changes.

Azure Digital Twins routes events to an Event Hub in binary mode: the data is the message, and the attributes are
properties of it whose names begin with `cloudEvents:`. Seen through the Kafka endpoint of an Event Hub these are
headers whose values are still encoded as in AMQP. localtwins, and others, send the whole event as JSON (structured
mode).

What is no event of a graph is none of a watch's business: a topic may have other things in it. An event of a graph that
makes no sense is: what has changed cannot be told, and leaving it out would be silence. It becomes a change of the kind
UNREADABLE, whose data says why.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from twinfront_server.adt.change import Change, Kind
from twinfront_server.adt.json_text import dumps_to_keep
from twinfront_server.adt.twin_json import METADATA, MODEL, is_component, is_digital_twin, is_relationship

MAX_EVENT_BYTES: Final = 1 << 20
"""The longest event that is parsed: the most that an Event Hub takes; a digital twin has 32 KiB."""

MAX_NESTING: Final = 24
"""The deepest JSON that a message can hold; schemas of DTDL are nested 8 deep."""

_PREFIXES: Final = ("cloudEvents:", "cloudEvents_", "ce_")
"""How the names of attributes begin, in AMQP and in Kafka."""
_STRUCTURED: Final = "application/cloudevents"
_CONTENT_TYPES: Final = frozenset({"content-type", "contentType"})

_AMQP_TEXTS: Final = {b"\xa1": 1, b"\xb1": 4, b"\xa3": 1, b"\xb3": 4}
"""The types of texts and symbols -> how many bytes their length has."""
_AMQP_TIME: Final = b"\x83"
_AMQP_TIME_BYTES: Final = 8
_AMQP_TYPES: Final = frozenset({_AMQP_TIME, *_AMQP_TEXTS})

_TELEMETRY: Final = "microsoft.iot.telemetry"
_OF_A_GRAPH: Final = "Microsoft.DigitalTwins."
_KINDS: Final = {
    "Microsoft.DigitalTwins.Twin.Create": Kind.TWIN_CREATED,
    "Microsoft.DigitalTwins.Twin.Update": Kind.TWIN_UPDATED,
    "Microsoft.DigitalTwins.Twin.Delete": Kind.TWIN_DELETED,
    "Microsoft.DigitalTwins.Relationship.Create": Kind.RELATIONSHIP_CREATED,
    "Microsoft.DigitalTwins.Relationship.Update": Kind.RELATIONSHIP_UPDATED,
    "Microsoft.DigitalTwins.Relationship.Delete": Kind.RELATIONSHIP_DELETED,
    _TELEMETRY: Kind.TELEMETRY,
}
_RELATIONSHIPS: Final = "/relationships/"
_TWINS: Final = "/digitaltwins/"
_MODEL_PATH: Final = f"/{METADATA}/{MODEL}"
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_OPERATIONS: Final = frozenset({"add", "replace", "remove"})


@dataclass(frozen=True, slots=True)
class Event:
    """A message of a log that may be a CloudEvent.

    Attributes:
        partition: the partition that it is in.
        sequence: its number there.
        time: when the log took it.
        properties: its application properties, or its headers; `attributes` reads them.
        body: the message.
        content_type: what the message is, if the log says so elsewhere than in a header.
    """

    partition: str
    sequence: int
    time: datetime
    properties: Mapping[str, Any]
    body: bytes
    content_type: str = ""


class _UnreadableError(ValueError):
    """An event of a graph makes no sense; the text says why, in words that have nothing of the event's."""


def change_of(event: Event) -> Change | None:
    """Reads a message as a change; None if it is no event of a graph."""
    attributes: dict[str, str] = {}
    try:
        attributes, data = _parts(event)
        if not attributes.get("type", "").startswith((_OF_A_GRAPH, _TELEMETRY)):
            return None
        return _change(event, attributes, data)
    except _UnreadableError as error:
        return Change(
            partition=event.partition,
            sequence=event.sequence,
            id=attributes.get("id") or f"{event.partition}:{event.sequence}",
            kind=Kind.UNREADABLE,
            time=_written(event.time),
            digital_twin_id="",
            relationship_id="",
            component_name="",
            model_id="",
            data=dumps_to_keep(str(error)),
        )


def _parts(event: Event) -> tuple[dict[str, str], Any]:
    """Gives the attributes of an event and its data, parsed; no attributes if it is no CloudEvent.

    Raises:
        _UnreadableError: it is one, and makes no sense.
    """
    attributes, content_type = _attributes(event)
    if content_type.lower().startswith(_STRUCTURED):
        document = _parsed(event.body)
        if type(document) is not dict:
            raise _UnreadableError("it is no JSON object")
        attributes = {name: value for name, value in document.items() if type(value) is str and name != "data"}
        return attributes, document.get("data")
    if attributes.get("type", "") not in _KINDS:
        return attributes, None
    return attributes, _parsed(event.body)


def _attributes(event: Event) -> tuple[dict[str, str], str]:
    """Gives the attributes that stand beside the message, and what the message is."""
    attributes, content_type = {}, event.content_type
    for name, value in event.properties.items():
        if name in _CONTENT_TYPES:
            content_type = _text(value)
        for prefix in _PREFIXES:
            if name.startswith(prefix):
                attributes[name.removeprefix(prefix)] = _text(value)
    return attributes, content_type


def _text(value: object) -> str:
    """Reads the value of an attribute: a text, a time, or either of them encoded as in AMQP; empty for all else."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return _written(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _of_milliseconds(value)
    if isinstance(value, bytes):
        return _of_amqp(value) if value[:1] in _AMQP_TYPES else _plain(value)
    return ""


def _plain(value: bytes) -> str:
    return value.decode(errors="replace")


def _of_milliseconds(value: int) -> str:
    try:
        return _written(datetime.fromtimestamp(value / 1000, UTC))
    except (OverflowError, OSError, ValueError):
        return ""


def _of_amqp(value: bytes) -> str:
    """Reads a value encoded as in AMQP: its type, its length, itself. No UTF-8 begins with a byte of these types."""
    if value[:1] == _AMQP_TIME:
        return _of_milliseconds(int.from_bytes(value[1:], signed=True)) if len(value) == 1 + _AMQP_TIME_BYTES else ""
    width = _AMQP_TEXTS[value[:1]]
    text = value[1 + width :]
    return _plain(text) if len(value) > width and int.from_bytes(value[1 : 1 + width]) == len(text) else ""


def _parsed(body: bytes) -> Any:
    if len(body) > MAX_EVENT_BYTES:
        raise _UnreadableError(f"it has more than {MAX_EVENT_BYTES} bytes")
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _UnreadableError("it is no JSON") from None
    if _is_deeper(parsed, MAX_NESTING):
        raise _UnreadableError(f"it is nested deeper than {MAX_NESTING} levels")
    return parsed


def _is_deeper(value: Any, levels: int) -> bool:
    if type(value) is dict:
        return not levels or any(_is_deeper(member, levels - 1) for member in value.values())
    if type(value) is list:
        return not levels or any(_is_deeper(element, levels - 1) for element in value)
    return False


def _change(event: Event, attributes: Mapping[str, str], data: Any) -> Change:
    kind = _KINDS.get(attributes["type"])
    if kind is None:
        raise _UnreadableError("its type is none that this server knows")
    told = _READERS[kind](attributes, data)
    if not attributes.get("id"):
        raise _UnreadableError("it has no id")
    return Change(
        partition=event.partition,
        sequence=event.sequence,
        id=attributes["id"],
        kind=kind,
        time=_time(attributes, event),
        digital_twin_id=told["digital_twin_id"],
        relationship_id=told.get("relationship_id", ""),
        component_name=told.get("component_name", ""),
        model_id=told.get("model_id", ""),
        data=dumps_to_keep(data),
        etag=told.get("etag", ""),
        target_id=told.get("target_id", ""),
        relationship_name=told.get("relationship_name", ""),
        traceparent=attributes.get("traceparent", ""),
        logged_time=_written(event.time),
    )


def _time(attributes: Mapping[str, str], event: Event) -> str:
    """Gives the time of an event; of one without it, which CloudEvents allow, the time at which the log took it."""
    if "time" not in attributes:
        return _written(event.time)
    time = attributes["time"]
    if not _RFC_3339.fullmatch(time):
        raise _UnreadableError("its time is none")
    try:
        datetime.fromisoformat(time)
    except ValueError:
        raise _UnreadableError("its time is none") from None
    return time


def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Told = dict[str, str]


def _twin(attributes: Mapping[str, str], data: Any) -> Told:
    """Reads the event of a twin that was created or deleted: its data is the twin."""
    if not is_digital_twin(data) or MODEL not in data[METADATA]:
        raise _UnreadableError("its data is no digital twin")
    if not all(type(component[METADATA]) is dict for component in filter(is_component, data.values())):
        raise _UnreadableError("one of its components has no metadata")
    twin_id = data["$dtId"] or _subject(attributes)
    return {"digital_twin_id": twin_id, "model_id": data[METADATA][MODEL], "etag": _etag(data)}


def _twin_update(attributes: Mapping[str, str], data: Any) -> Told:
    """Reads the event of a twin that was updated; if its model has changed, the last one in the patch is its model."""
    models = [each.get("value") for each in _patch(data) if each["path"] == _MODEL_PATH]
    model_id = models[-1] if models and type(models[-1]) is str else _member(data, "modelId")
    return {"digital_twin_id": _subject(attributes), "model_id": model_id or attributes.get("dataschema", "")}


def _relationship(_attributes: Mapping[str, str], data: Any) -> Told:
    """Reads the event of a relationship that was created or deleted: its data is the relationship."""
    if type(data) is not dict or not is_relationship(data):
        raise _UnreadableError("its data is no relationship")
    return {
        "digital_twin_id": data["$sourceId"],
        "relationship_id": data["$relationshipId"],
        "target_id": data["$targetId"],
        "relationship_name": data["$relationshipName"],
        "etag": _etag(data),
    }


def _relationship_update(attributes: Mapping[str, str], data: Any) -> Told:
    """Reads the event of a relationship that was updated; its subject is `SOURCE/relationships/ID`."""
    replaced = {each["path"]: each.get("value") for each in _patch(data)}
    source_id, _, relationship_id = _subject(attributes).partition(_RELATIONSHIPS)
    if not source_id or not relationship_id:
        raise _UnreadableError("it does not say which relationship it is about")
    return {
        "digital_twin_id": source_id,
        "relationship_id": relationship_id,
        "model_id": _member(data, "modelId") or attributes.get("dataschema", ""),
        "target_id": _member(replaced, "/$targetId"),
        "relationship_name": _member(replaced, "/$relationshipName"),
    }


def _telemetry(attributes: Mapping[str, str], _data: Any) -> Told:
    """Reads a message of telemetry; its source is `HOST/digitaltwins/ID`, its subject a component or nothing."""
    twin_id = attributes.get("source", "").partition(_TWINS)[2]
    if not twin_id:
        raise _UnreadableError("it does not say which digital twin sent it")
    return {
        "digital_twin_id": twin_id,
        "component_name": attributes.get("subject", ""),
        "model_id": attributes.get("dataschema", ""),
    }


_READERS: Final[dict[Kind, Callable[[Mapping[str, str], Any], Told]]] = {
    Kind.TWIN_CREATED: _twin,
    Kind.TWIN_UPDATED: _twin_update,
    Kind.TWIN_DELETED: _twin,
    Kind.RELATIONSHIP_CREATED: _relationship,
    Kind.RELATIONSHIP_UPDATED: _relationship_update,
    Kind.RELATIONSHIP_DELETED: _relationship,
    Kind.TELEMETRY: _telemetry,
}


def _member(data: Any, name: str) -> str:
    """Gives a member that is a text; empty without one."""
    if type(data) is not dict:
        raise _UnreadableError("its data is no JSON object")
    value = data.get(name, "")
    return value if type(value) is str else ""


def _etag(data: Mapping[str, Any]) -> str:
    etag = data.get("$etag", "")
    if type(etag) is not str:
        raise _UnreadableError("its etag is none")
    return etag


def _subject(attributes: Mapping[str, str]) -> str:
    if not attributes.get("subject"):
        raise _UnreadableError("it has no subject")
    return attributes["subject"]


def _patch(data: Any) -> list[dict[str, Any]]:
    """Gives the operations of an update.

    Raises:
        _UnreadableError: they are none that can be told.
    """
    patch = data.get("patch") if type(data) is dict else None
    if type(patch) is not list or not all(_is_operation(each) for each in patch):
        raise _UnreadableError("its patch is none")
    return patch


def _is_operation(operation: Any) -> bool:
    if type(operation) is not dict or type(operation.get("path")) is not str:
        return False
    op = operation.get("op")
    return type(op) is str and op in _OPERATIONS and ("value" in operation or op == "remove")
