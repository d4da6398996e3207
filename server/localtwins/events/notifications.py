"""Notifications that the change log has of each write, in the shapes of the service's event notifications.

Source: Azure Digital Twins documentation, "Interpret event data". A twin or relationship that is replaced is an update
whose patch leads from the old document to the new one.

Whoever follows the log needs more than the service has events of: new versions of twins and relationships with nothing
different but their etag and times, models, and that a job writes what it does not tell change by change. These are
changes of our own types, and no events.
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

TWIN_VERSION: Final = "localtwins.Twin.Version"
RELATIONSHIP_VERSION: Final = "localtwins.Relationship.Version"
MODEL_CREATE: Final = "localtwins.Model.Create"
MODEL_DECOMMISSION: Final = "localtwins.Model.Decommission"
MODEL_DELETE: Final = "localtwins.Model.Delete"
JOB_WRITE: Final = "localtwins.Job.Write"
JOB_END: Final = "localtwins.Job.End"

_OWN_TYPES: Final = "localtwins."

_OWN: Final = frozenset({"$etag", METADATA})
"""Members that the service writes; differences are sought among the others, which the caller wrote."""

_SOURCE_TIME: Final = b'"sourceTime"'
_NO_ENTRY: Final[Mapping[str, Any]] = {}

Patch = list[dict[str, Any]]


def is_event(change_type: str) -> bool:
    """Tells whether the service has events of a type of changes."""
    return not change_type.startswith(_OWN_TYPES)


def twin_put(twin: Mapping[str, Any], document: bytes, before: bytes | None, time: str) -> Notification:
    """Tells of a twin that was created or, if there was one `before`, replaced."""
    if before is None:
        twin_id, model_id = twin["$dtId"], twin[METADATA][MODEL]
        return Notification(TWIN_CREATE, twin_id, twin_id, model_id, time, None, document.decode(), twin["$etag"])
    old = orjson.loads(before)
    # To look for the word in the texts takes a tenth of the time that looking through the metadata takes.
    has_source_times = _SOURCE_TIME in before or _SOURCE_TIME in document
    patch = list(_twin_difference(old, twin, has_source_times=has_source_times))
    return _twin_updated(twin, old[METADATA][MODEL], patch, time)


def twin_patched(
    twin: Mapping[str, Any], previous_model_id: str, operations: Sequence[Operation], time: str
) -> Notification:
    """Tells of a patch to a twin or a component of it, and how the twin is then."""
    return _twin_updated(twin, previous_model_id, _as_sent(operations), time)


def twin_deleted(twin_id: str, model_id: str, etag: str, document: bytes, time: str) -> Notification:
    """Tells of a twin that was deleted."""
    return Notification(TWIN_DELETE, twin_id, twin_id, model_id, time, None, document.decode(), etag)


def relationship_put(
    relationship: Mapping[str, Any], document: bytes, before: Mapping[str, Any] | None, model_id: str, time: str
) -> Notification:
    """Tells of a relationship that was created or replaced; `model_id` is the source's."""
    if before is None:
        return _of_relationship(RELATIONSHIP_CREATE, relationship, model_id, document.decode(), time)
    patch = list(_difference(before, relationship, ""))
    return _relationship_updated(relationship, before, model_id, patch, time)


def relationship_patched(
    relationship: Mapping[str, Any], model_id: str, operations: Sequence[Operation], time: str
) -> Notification:
    """Tells of a patch to a relationship, and how it is then."""
    return _relationship_updated(relationship, relationship, model_id, _as_sent(operations), time)


def relationship_deleted(document: bytes, model_id: str, time: str) -> Notification:
    """Tells of a relationship that was deleted."""
    return _of_relationship(RELATIONSHIP_DELETE, orjson.loads(document), model_id, document.decode(), time)


def telemetry(
    twin_id: str, component: str | None, model_id: str, message: bytes, *, message_id: str, time: str
) -> Notification:
    """Tells of a telemetry message, JSON, from a twin or a component of it."""
    return Notification(TELEMETRY, twin_id, component or "", model_id, time, message_id, message.decode())


def model_changed(change_type: str, model_id: str, data: bytes, time: str) -> Notification:
    """Tells of a model that was created, decommissioned or deleted, by its data without the definition."""
    return Notification(change_type, "", model_id, model_id, time, None, data.decode())


def job_wrote(kind: str, job_id: str, time: str) -> Notification:
    """Tells that a job has written anything, in the same transaction."""
    return _of_job(JOB_WRITE, kind, job_id, time)


def job_ended(kind: str, job_id: str, time: str) -> Notification:
    """Tells that a job that has written will write no more."""
    return _of_job(JOB_END, kind, job_id, time)


def _of_job(change_type: str, kind: str, job_id: str, time: str) -> Notification:
    return Notification(change_type, "", job_id, "", time, None, orjson.dumps({"jobId": job_id, "kind": kind}).decode())


def _twin_updated(twin: Mapping[str, Any], previous_model_id: str, patch: Patch, time: str) -> Notification:
    twin_id, model_id = twin["$dtId"], twin[METADATA][MODEL]
    return Notification(
        TWIN_UPDATE if patch else TWIN_VERSION,
        twin_id,
        twin_id,
        model_id,
        time,
        None,
        _patch_data(model_id, patch),
        twin["$etag"],
        previous_model_id if previous_model_id != model_id else "",
    )


def _relationship_updated(
    relationship: Mapping[str, Any], before: Mapping[str, Any], model_id: str, patch: Patch, time: str
) -> Notification:
    change_type = RELATIONSHIP_UPDATE if patch else RELATIONSHIP_VERSION
    return _of_relationship(change_type, relationship, model_id, _patch_data(model_id, patch), time, before)


def _of_relationship(
    change_type: str,
    relationship: Mapping[str, Any],
    model_id: str,
    data: str,
    time: str,
    before: Mapping[str, Any] | None = None,
) -> Notification:
    before = before or relationship
    target_id, name = relationship["$targetId"], relationship["$relationshipName"]
    source_id = relationship["$sourceId"]
    return Notification(
        change_type,
        source_id,
        f"{source_id}/relationships/{relationship['$relationshipId']}",
        model_id,
        time,
        None,
        data,
        relationship["$etag"],
        target_id=target_id,
        relationship_name=name,
        previous_target_id=before["$targetId"] if before["$targetId"] != target_id else "",
        previous_relationship_name=before["$relationshipName"] if before["$relationshipName"] != name else "",
    )


def _patch_data(model_id: str, patch: Patch) -> str:
    return orjson.dumps({"modelId": model_id, "patch": patch}).decode()


def _as_sent(operations: Sequence[Operation]) -> Patch:
    return [
        {"path": operation.path, "op": operation.op}
        if operation.op == "remove"
        else {"value": operation.value, "path": operation.path, "op": operation.op}
        for operation in operations
    ]


def _twin_difference(
    old: Mapping[str, Any], new: Mapping[str, Any], *, has_source_times: bool
) -> Iterator[dict[str, Any]]:
    if old[METADATA][MODEL] != new[METADATA][MODEL]:
        yield {"value": new[METADATA][MODEL], "path": "/$metadata/$model", "op": "replace"}
    yield from _difference(old, new, "")
    if has_source_times:
        yield from _source_times(old, new, "")
    components = [(name, value) for name, value in new.items() if type(value) is dict and name not in _OWN]
    for name, component in components:
        before = old.get(name)
        if is_component(component) and is_component(before):
            path = f"/{_escaped(name)}"
            yield from _difference(before, component, path)
            if has_source_times:
                yield from _source_times(before, component, path)


def _difference(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """Gives the operations that lead from one document to another, member by member; two components are left out."""
    for name, value in new.items():
        if name in _OWN:
            continue
        if name not in old:
            yield {"value": value, "path": f"{path}/{_escaped(name)}", "op": "add"}
            continue
        before = old[name]
        changed = value != before or not _same(value, before)
        if changed and not (is_component(value) and is_component(before)):
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
    """Tells whether two equal JSON values are written alike; in Python 1, 1.0 and True are equal."""
    return type(one) is str or orjson.dumps(one) == orjson.dumps(other)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name
