"""The document of a digital twin: how a write makes it, and the metadata that the service keeps in it.

A document has `$dtId`, `$etag`, the properties and components that have a value, and `$metadata` last. A component is
an object with a `$metadata` of its own; nothing else in a twin can have that member, so components are told apart
without the model. `validation` tells whether a document conforms to its model, after the write is complete.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeGuard

from localtwins import errors
from localtwins.engine.json_patch import Operation, apply_at, not_found

METADATA: Final = "$metadata"
MODEL: Final = "$model"
LAST_UPDATE_TIME: Final = "$lastUpdateTime"
_IGNORED: Final = frozenset({"$dtId", "$etag", "$id", METADATA})

Document = dict[str, Any]


def create(twin_id: str, payload: Document, *, etag: str, now: str) -> Document:
    """Makes the document of a twin that is put.

    Every property's `lastUpdateTime` is `now`; of the metadata sent, only `$model` and each `sourceTime` count, and
    `$dtId` and `$etag` in the payload do not (recorded), nor does `$id`, as some tools call the column of ids.

    Raises:
        AdtError: ValidationFailed for what no model could allow.
    """
    metadata = payload.get(METADATA)
    if type(metadata) is not dict or type(metadata.get(MODEL)) is not str:
        raise errors.invalid_twin(["Twin is missing $metadata with the id of its model in $model."])
    twin: Document = {"$dtId": twin_id, "$etag": etag}
    kept: Document = {MODEL: metadata[MODEL], LAST_UPDATE_TIME: now}
    for name, value in payload.items():
        if name.startswith("$"):
            if name not in _IGNORED:
                raise errors.invalid_twin([f"{name} is not a name that a twin can have."])
        elif is_component(value):
            twin[name] = _component(name, value, now)
        else:
            twin[name] = value
            kept[name] = {"lastUpdateTime": now}
    _take_source_times(kept, metadata, "Twin")
    twin[METADATA] = kept
    return twin


def patch(twin: Document, operations: Sequence[Operation], *, etag: str, now: str) -> Document:
    """Applies a patch to the document, in place, and gives it back.

    Touched properties get `now` as their `lastUpdateTime` and keep their `sourceTime`; the twin gets it always, a
    component only if a touched property is still there afterwards (recorded: a removal alone does not move it).

    Raises:
        AdtError: JsonPatchInvalid, or ValidationFailed for a time that is none; the document is useless then.
    """
    touched: set[tuple[str, str]] = set()
    for operation in operations:
        head, *inner = operation.tokens
        if inner and is_component(twin.get(head)):
            _apply(twin[head], inner, operation, head, now)
            touched.add((head, inner[0]))
        else:
            _apply(twin, operation.tokens, operation, "Twin", now)
    for component, name in touched:
        holder = twin.get(component)
        if is_component(holder) and name in holder and name != METADATA:
            holder[METADATA][LAST_UPDATE_TIME] = now
    twin["$etag"] = etag
    metadata = twin.pop(METADATA)
    metadata[LAST_UPDATE_TIME] = now
    twin[METADATA] = metadata
    return twin


def is_component(value: object) -> TypeGuard[Document]:
    """Tells whether a member of a twin is a component."""
    return type(value) is dict and METADATA in value


def model_of(twin: Document) -> str:
    """Gives the id of the twin's model."""
    model_id: str = twin[METADATA][MODEL]
    return model_id


def without_update_times(twin: Document) -> Document:
    """Gives the document as api-version 2020-10-31 shows it: no `$lastUpdateTime` in the twin or its components."""
    shown = {name: without_update_times(value) if is_component(value) else value for name, value in twin.items()}
    shown[METADATA] = {name: entry for name, entry in twin[METADATA].items() if name != LAST_UPDATE_TIME}
    return shown


def _component(name: str, value: Document, now: str) -> Document:
    given = value[METADATA]
    if type(given) is not dict:
        raise errors.invalid_twin([f"$metadata of {name} is not an object."])
    component: Document = {}
    metadata: Document = {LAST_UPDATE_TIME: now}
    for member, member_value in value.items():
        if member.startswith("$"):
            if member != METADATA:
                raise errors.invalid_twin([f"{member} is not a name that {name} can have."])
        else:
            component[member] = member_value
            metadata[member] = {"lastUpdateTime": now}
    _take_source_times(metadata, given, name)
    component[METADATA] = metadata
    return component


def _take_source_times(kept: Document, given: Document, owner: str) -> None:
    for name, entry in given.items():
        if name.startswith("$"):
            continue
        if type(entry) is not dict:
            raise errors.invalid_twin([f"$metadata of {name} on {owner} is not an object."])
        if entry.get("sourceTime") is None:
            continue
        if name not in kept:
            raise errors.invalid_twin([f"$metadata of {owner} has a sourceTime for {name}, which has no value."])
        kept[name]["sourceTime"] = _source_time(entry["sourceTime"], name, owner)


def _source_time(value: object, name: str, owner: str) -> str:
    if type(value) is str and value[10:11] in {"", "T"}:
        try:
            datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise errors.invalid_twin([f"Expected an ISO 8601 date and time for sourceTime of {name} on {owner}."])


def _apply(holder: Document, tokens: Sequence[str], operation: Operation, owner: str, now: str) -> None:
    name = tokens[0]
    if name == METADATA:
        _apply_to_metadata(holder[METADATA], tokens[1:], operation, owner)
    elif name.startswith("$"):
        raise errors.json_patch_invalid(f"{operation.path} cannot be changed.")
    else:
        apply_at(holder, tokens, operation)
        _touch(holder, name, now, whole=len(tokens) == 1)


def _touch(holder: Document, name: str, now: str, *, whole: bool) -> None:
    metadata = holder[METADATA]
    value = holder.get(name)
    if name not in holder:
        metadata.pop(name, None)
    elif is_component(value):
        metadata.pop(name, None)
        if whole:
            holder[name] = _component(name, holder[name], now)
    else:
        metadata.setdefault(name, {})["lastUpdateTime"] = now


def _apply_to_metadata(metadata: Document, tokens: Sequence[str], operation: Operation, owner: str) -> None:
    match tokens:
        case ["$model"] if MODEL in metadata:  # only a twin's own
            if operation.op == "remove":
                raise errors.invalid_twin(["Twin is missing $metadata with the id of its model in $model."])
            if type(operation.value) is not str:
                raise errors.invalid_twin(["Expected the id of a model for $model."])
            metadata[MODEL] = operation.value
        case [name, "sourceTime"] if not name.startswith("$"):
            entry = metadata.get(name)
            if entry is None:
                raise not_found(name)
            if operation.op != "remove":  # the documentation sets it for the first time with `replace`
                entry["sourceTime"] = _source_time(operation.value, name, owner)
            elif entry.pop("sourceTime", None) is None:
                raise not_found("sourceTime")
        case _:
            raise errors.json_patch_invalid(f"{operation.path} cannot be changed.")
