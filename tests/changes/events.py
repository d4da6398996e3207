"""Events as Azure Digital Twins sends them."""

import itertools
from typing import Any

import orjson

HOST = "twins.api.weu.digitaltwins.azure.net"
ROOM = "dtmi:example:Room;1"

_numbers = itertools.count(1)


def attributes(kind: str, subject: str | None, model: str = ROOM, **changed: str) -> dict[str, str]:
    given = {
        "specversion": "1.0",
        "id": f"event-{next(_numbers)}",
        "type": kind,
        "source": HOST,
        "subject": subject,
        "time": "2026-06-01T07:30:12.4071355Z",
        "datacontenttype": "application/json",
        "dataschema": model,
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    return {name: value for name, value in (given | changed).items() if value is not None}


def binary(kind: str, subject: str | None, data: Any, **changed: str) -> tuple[dict[str, Any], bytes]:
    """The properties and the body of a message."""
    told = attributes(kind, subject, **changed)
    return {f"cloudEvents:{name}": value for name, value in told.items()}, orjson.dumps(data)


def structured(kind: str, subject: str | None, data: Any, **changed: str) -> bytes:
    return orjson.dumps(attributes(kind, subject, **changed) | {"data": data})


def updated(twin_id: str, value: float, **changed: str) -> tuple[dict[str, Any], bytes]:
    patch = [{"op": "replace", "path": "/temperature", "value": value}]
    return binary("Microsoft.DigitalTwins.Twin.Update", twin_id, {"modelId": ROOM, "patch": patch}, **changed)
