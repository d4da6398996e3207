"""Tells what writes leave behind: is what was found what a write makes, and which version of a resource is it?

One write gives the twin and every property that it touches one and the same time, and leaves the times of all others
as they are (recorded). So the times of a twin tell what its last write touched.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import orjson

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.json_pointer import tokens_of, value_at
from twinfront_server.adt.twin_json import (
    METADATA,
    MODEL,
    TWIN_LAST_UPDATE_TIME,
    Document,
    is_component,
    metadata_of,
    source_times,
    update_times,
)
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked

_DELETIONS: Final = (operations.DELETE_DIGITAL_TWIN, operations.DELETE_RELATIONSHIP)
_ANY: Final = "*"
_OF_JOBS_AND_ROUTES: Final = frozenset(
    {"id", "status", "createdDateTime", "lastActionDateTime", "finishedDateTime", "purgeDateTime", "error"}
)
"""Members that the service adds to a job or an event route."""


def sent_by(asked: Asked) -> Any:
    """Parses what a write sent; gives an empty list for nothing."""
    return [] if asked.body is None else orjson.loads(asked.body.content)


def could_have_made(asked: Asked, found: Document) -> bool:
    """Tells whether a resource is, with the times it has, as a write would leave it that came last."""
    match asked.operation:
        case operations.PUT_DIGITAL_TWIN:
            return is_as_put(sent_by(asked), found) and _has_one_time(found)
        case operations.PUT_RELATIONSHIP | operations.PUT_IMPORT_JOB:
            return is_as_put(sent_by(asked), found)
        case operations.POST_DELETE_JOB:
            return True
        case operations.POST_MODELS:
            return any(model.get("@id") == found.get("id") for model in sent_by(asked))
        case operations.PATCH_DIGITAL_TWIN | operations.PATCH_COMPONENT | operations.PATCH_RELATIONSHIP:
            patch = patch_of(asked)
            return is_noop_on(patch, found) and _touched_last(patch, found)
        case _:
            return False


def versions(asked: Asked, answer: Answer) -> list[str]:
    """Names the versions that an answered write made; of a deletion, that there is none now."""
    if answer.etag:
        return [answer.etag]
    if asked.operation in _DELETIONS:
        return [deletion_of(asked.path)]
    if not asked.create_only:
        return []
    try:
        made = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return []  # whoever reads the answer will say so
    return [version_of(each, "") for each in (made if isinstance(made, list) else [made]) if isinstance(each, dict)]


def version_of(found: Document, etag: str) -> str:
    """Names the version of a resource: its etag; for a model or a job, which have none, id and time.

    Empty if it has neither.
    """
    name, time = found.get("id"), written_at(found)
    return etag or (f"{name} {time}" if name and time else "")


def deletion_of(path: str) -> str:
    """Names a resource's deletion among versions."""
    return f"no {path}"


def written_at(found: Document) -> str:
    """Gives the service's time of a twin's last write, or of a model's or job's creation; empty if there is none."""
    time = (metadata_of(found) or found).get(TWIN_LAST_UPDATE_TIME)
    time = time or found.get("createdDateTime") or found.get("uploadTime")
    return time if isinstance(time, str) else ""


def is_as_put(sent: Any, stored: Mapping[str, Any]) -> bool:
    """Tells whether a stored document is what a put of `sent` makes: all that was sent, and nothing that was not.

    Members that begin with `$`, and what the service keeps in `$metadata`, count only if they were sent; those that
    every put ignores (ids, etags, update times) do not count at all.
    """
    if not isinstance(sent, dict) or not all(name in stored for name in sent if not name.startswith("$")):
        return False
    for name, value in stored.items():
        if name == METADATA:
            if not _is_metadata_as_put(sent, stored):
                return False
        elif name.startswith("$"):
            if name in {"$targetId", "$relationshipName"} and sent.get(name) != value:
                return False
        elif is_component(value):
            if not is_as_put(sent.get(name) or {}, value):
                return False
        elif name not in sent and name in _OF_JOBS_AND_ROUTES:
            continue
        elif name not in sent or sent[name] != value:
            return False
    return True


def _is_metadata_as_put(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    model = metadata_of(stored).get(MODEL)
    if model is not None and metadata_of(sent).get(MODEL) != model:
        return False
    return source_times(stored) == source_times(sent)


Operation = tuple[str, list[str], Any]
"""An operation of a patch: op, path as its segments, value."""


def patch_of(asked: Asked) -> list[Operation]:
    """Reads the patch that a write sent; of a component, with paths that begin at its twin."""
    start = [asked.ids["component_name"]] if asked.operation is operations.PATCH_COMPONENT else []
    return [(each["op"], start + tokens_of(each["path"]), each.get("value")) for each in sent_by(asked)]


def is_noop_on(patch: Sequence[Operation], found: Document) -> bool:
    """Tells whether a patch would leave the resource as it is, a removal of what is not there included.

    The whole patch counts, not its operations one by one: `add /a {"b": 1}, replace /a/b 2` has left `{"b": 2}`.
    """
    patched = deepcopy(found)
    for op, (*way, name), value in patch:
        owner = value_at(patched, way)
        if op == "remove":
            # What followed has moved up, so whether the element that was removed is gone cannot be seen.
            if isinstance(owner, list):
                return False
            if isinstance(owner, dict):
                owner.pop(name, None)
        elif isinstance(owner, dict):
            stored = owner.get(name)
            # A component is stored with times that were not sent.
            owner[name] = stored if is_component(stored) and is_as_put(value, stored) else value
        # An element that is added moves others, as one that is removed does; what is no object or array has no members.
        elif op == "add" or not isinstance(owner, list) or value_at(owner, [name]) != value:
            return False
    return patched == found


def is_repeatable(patch: Sequence[Operation], found: Document) -> bool:
    """Tells whether a patch does the same when it lands twice: not if it moves the elements of an array."""
    return not any(op != "replace" and isinstance(value_at(found, way), list) for op, (*way, _), _ in patch)


def _touched_last(patch: Sequence[Operation], found: Document) -> bool:
    """Tells whether the times of a twin are those after a patch.

    All that the patch set has the twin's last time, and nothing else has.

    What is removed, and what is set in `$metadata`, may have been touched or not. Without times there is nothing to be
    seen but what a patch sets or removes.

    An example: a patch of `/temperature` and `/lamp/on` leaves the twin's own time at `temperature` and, in the
    component `lamp`, at `on`. If `humidity` has it too, the twin's last write was another one.
    """
    last = written_at(found)
    if not last:
        return bool(patch)
    must: set[tuple[str, str]] = set()
    may: set[tuple[str, str]] = set()
    for op, path, _ in patch:
        # A path leads to a property of the twin, of a component, or to a component as a whole, which is any of its own.
        owner, rest = (path[0], path[1:] or [_ANY]) if is_component(found.get(path[0])) else ("", path)
        if rest[0] == METADATA:
            # With another model any property may be touched; a source time belongs to its property.
            may.add((owner, _ANY if rest[1:2] == [MODEL] else "".join(rest[1:2])))
        elif op == "remove" or rest[0] == _ANY:
            may.add((owner, rest[0]))
        else:
            must.add((owner, rest[0]))
    for (owner, name), time in update_times(found):
        if (owner, name) in must:
            if time != last:
                return False
        elif time == last and not may & {(owner, name), (owner, _ANY), ("", _ANY)}:
            return False
    return True


def _has_one_time(found: Document) -> bool:
    """Tells whether nothing was written to a twin since it was put."""
    last = written_at(found)
    return not last or all(time == last for _, time in update_times(found))
