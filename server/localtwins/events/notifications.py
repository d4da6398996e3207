"""Notifications that the change log has of each write, in the shapes of the service's event notifications.

Source: Azure Digital Twins documentation, "Interpret event data". A twin or relationship that is replaced is an update
whose patch leads from the old document to the new one; a change that changes nothing is no event.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from localtwins.engine.digital_twin import METADATA, MODEL, is_component
from localtwins.engine.json_patch import Operation
from localtwins.store.change import Notification

TWIN_CREATE: Final = "Microsoft.DigitalTwins.Twin.Create"
TWIN_UPDATE: Final = "Microsoft.DigitalTwins.Twin.Update"
TWIN_DELETE: Final = "Microsoft.DigitalTwins.Twin.Delete"
RELATIONSHIP_CREATE: Final = "Microsoft.DigitalTwins.Relationship.Create"
RELATIONSHIP_UPDATE: Final = "Microsoft.DigitalTwins.Relationship.Update"
RELATIONSHIP_DELETE: Final = "Microsoft.DigitalTwins.Relationship.Delete"
TELEMETRY: Final = "microsoft.iot.telemetry"

_OWN: Final = frozenset({"$etag", METADATA})
"""Members that the service writes; differences are sought among the others, which the caller wrote."""

_NO_ENTRY: Final[Mapping[str, Any]] = {}

Patch = list[dict[str, Any]]


def twin_put(twin: Mapping[str, Any], document: bytes, before: bytes | None, time: str) -> Notification | None:
    """Tells of a twin that was created or, if there was one `before`, replaced; None if nothing is different."""
    twin_id, model_id = twin["$dtId"], twin[METADATA][MODEL]
    if before is None:
        return Notification(TWIN_CREATE, twin_id, twin_id, model_id, time, None, document.decode())
    patch = list(_twin_difference(orjson.loads(before), twin))
    return _update(TWIN_UPDATE, twin_id, twin_id, model_id, time=time, patch=patch)


def twin_patched(twin_id: str, model_id: str, operations: Sequence[Operation], time: str) -> Notification | None:
    """Tells of a patch to a twin or a component of it; None for one without operations."""
    return _update(TWIN_UPDATE, twin_id, twin_id, model_id, time=time, patch=_as_sent(operations))


def twin_deleted(twin_id: str, model_id: str, document: bytes, time: str) -> Notification:
    """Tells of a twin that was deleted."""
    return Notification(TWIN_DELETE, twin_id, twin_id, model_id, time, None, document.decode())


def relationship_put(
    relationship: Mapping[str, Any], document: bytes, before: bytes | None, model_id: str, time: str
) -> Notification | None:
    """Tells of a relationship that was created or replaced; `model_id` is the source's."""
    source_id = relationship["$sourceId"]
    subject = _relationship_subject(source_id, relationship["$relationshipId"])
    if before is None:
        return Notification(RELATIONSHIP_CREATE, source_id, subject, model_id, time, None, document.decode())
    patch = list(_difference(orjson.loads(before), relationship, ""))
    return _update(RELATIONSHIP_UPDATE, source_id, subject, model_id, time=time, patch=patch)


def relationship_patched(
    source_id: str, relationship_id: str, model_id: str, operations: Sequence[Operation], time: str
) -> Notification | None:
    """Tells of a patch to a relationship; None for one without operations."""
    subject = _relationship_subject(source_id, relationship_id)
    return _update(RELATIONSHIP_UPDATE, source_id, subject, model_id, time=time, patch=_as_sent(operations))


def relationship_deleted(
    source_id: str, relationship_id: str, model_id: str, document: bytes, time: str
) -> Notification:
    """Tells of a relationship that was deleted."""
    subject = _relationship_subject(source_id, relationship_id)
    return Notification(RELATIONSHIP_DELETE, source_id, subject, model_id, time, None, document.decode())


def telemetry(
    twin_id: str, component: str | None, model_id: str, message: bytes, *, message_id: str, time: str
) -> Notification:
    """Tells of a telemetry message, JSON, from a twin or a component of it."""
    return Notification(TELEMETRY, twin_id, component or "", model_id, time, message_id, message.decode())


def _relationship_subject(source_id: str, relationship_id: str) -> str:
    return f"{source_id}/relationships/{relationship_id}"


def _update(kind: str, twin_id: str, subject: str, model_id: str, *, time: str, patch: Patch) -> Notification | None:
    if not patch:
        return None
    data = orjson.dumps({"modelId": model_id, "patch": patch}).decode()
    return Notification(kind, twin_id, subject, model_id, time, None, data)


def _as_sent(operations: Sequence[Operation]) -> Patch:
    return [
        {"path": operation.path, "op": operation.op}
        if operation.op == "remove"
        else {"value": operation.value, "path": operation.path, "op": operation.op}
        for operation in operations
    ]


def _twin_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if old[METADATA][MODEL] != new[METADATA][MODEL]:
        yield {"value": new[METADATA][MODEL], "path": "/$metadata/$model", "op": "replace"}
    yield from _difference(old, new, "")
    yield from _source_times(old, new, "")
    components = [(name, value) for name, value in new.items() if type(value) is dict and name not in _OWN]
    for name, component in components:
        before = old.get(name)
        if is_component(component) and is_component(before):
            path = f"/{_escaped(name)}"
            yield from _difference(before, component, path)
            yield from _source_times(before, component, path)


def _difference(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """Gives the operations that lead from one document to another, member by member; two components are left out."""
    for name, value in new.items():
        if name in _OWN:
            continue
        if name not in old:
            yield {"value": value, "path": f"{path}/{_escaped(name)}", "op": "add"}
        elif not _same(value, old[name]) and not (is_component(value) and is_component(old[name])):
            yield {"value": value, "path": f"{path}/{_escaped(name)}", "op": "replace"}
    for name in old:
        if name not in new:
            yield {"path": f"{path}/{_escaped(name)}", "op": "remove"}


def _source_times(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[dict[str, Any]]:
    times = old[METADATA]
    for name, entry in new[METADATA].items():
        if name.startswith("$"):
            continue
        before, after = times.get(name, _NO_ENTRY).get("sourceTime"), entry.get("sourceTime")
        if before == after:
            continue
        place = f"{path}/$metadata/{_escaped(name)}/sourceTime"
        if after is None:
            yield {"path": place, "op": "remove"}
        else:
            yield {"value": after, "path": place, "op": "add" if before is None else "replace"}


def _same(one: object, other: object) -> bool:
    """Tells whether two JSON values are written alike; in Python 1, 1.0 and True are equal."""
    if type(one) is str:
        return one == other
    return one == other and orjson.dumps(one) == orjson.dumps(other)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
