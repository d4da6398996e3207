"""Changes as CloudEvents 1.0 in the JSON format (https://github.com/cloudevents/spec)."""

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import orjson

from localtwins.events.notifications import TELEMETRY, TWIN_CREATE, TWIN_DELETE, TWIN_UPDATE
from localtwins.store.change import Change

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_SPECVERSION: Final = "1.0"
_DATA_CONTENT_TYPE: Final = "application/json"
_WITH_DATASCHEMA: Final = frozenset({TWIN_CREATE, TWIN_UPDATE, TWIN_DELETE, TELEMETRY})


class CloudEvent:
    """Tells of a change as an event, the same one, with the same id, whenever it is made.

    Args:
        change: the change.
        source: the name of the instance.
        log_id: tells its change log from others.
    """

    def __init__(self, change: Change, *, source: str, log_id: uuid.UUID) -> None:
        self.change = change
        self._source = source
        self._log_id = log_id

    @cached_property
    def attributes(self) -> dict[str, str]:
        """Gives the context attributes in the order in which the service writes them."""
        change = self.change
        source = self._source
        if change.type == TELEMETRY:
            source = f"{source}/digitaltwins/{change.twin_id}"
        event_id = change.message_id or change.id_in(self._log_id)
        attributes = {"specversion": _SPECVERSION, "id": event_id, "type": change.type, "source": source}
        if change.subject:  # CloudEvents has no empty subject
            attributes["subject"] = change.subject
        attributes["time"] = change.time
        if change.type in _WITH_DATASCHEMA:
            attributes["dataschema"] = change.model_id
        attributes["datacontenttype"] = _DATA_CONTENT_TYPE
        if change.traceparent:
            attributes["traceparent"] = change.traceparent
        return attributes

    @cached_property
    def body(self) -> Any:
        """Gives the data, parsed."""
        return orjson.loads(self.change.data)

    def to_json(self) -> bytes:
        """Gives the event in the JSON format, on one line."""
        return b'%b,"data":%b}' % (orjson.dumps(self.attributes)[:-1], self.change.data)


Condition = Callable[[CloudEvent], bool | None]
"""Tells whether a filter lets an event through; None where there is no result, as with a member that it lacks."""
