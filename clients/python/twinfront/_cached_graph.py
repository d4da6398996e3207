"""Holds what a `TwinCache` shows, and says what becomes of it with each thing that a watch tells."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from twinfront import _json
from twinfront._changes import Change, ChangeKind
from twinfront._digital_twins import DigitalTwin
from twinfront._relationships import Relationship

Resource: TypeAlias = DigitalTwin | Relationship
"""A digital twin or a relationship that a cache holds."""

Key: TypeAlias = tuple[str, str]
"""The id of a digital twin, and that of a relationship which starts from it; empty for the twin itself."""

Step: TypeAlias = tuple[Key, Resource | None]
"""A key, and the resource that is found by it from now on; None if there is none any more."""

_DELETED: Final = frozenset({ChangeKind.TWIN_DELETED, ChangeKind.RELATIONSHIP_DELETED})
_VERSION: Final = 1


class CachedGraph:
    """Holds digital twins and relationships, with what finds them; threads can share it.

    A change is told with the resource as the server found it when it told the change, so that it may show later
    changes as well. These come all the same, and what they bring is known then: it has the same etag. The last that is
    told of something always brings what it has come to.

    Args:
        indexed: JSON Pointers to the properties to find twins by.
    """

    def __init__(self, indexed: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._twins: dict[str, DigitalTwin] = {}
        self._outgoing: dict[str, dict[str, Relationship]] = {}
        self._incoming: dict[str, dict[Key, None]] = {}
        self._by_model: dict[str, dict[str, None]] = {}
        self._by_value: dict[str, dict[object, dict[str, None]]] = {pointer: {} for pointer in indexed}
        self._listed: set[Key] | None = set()
        self._resume_token = ""
        self._handled: list[str] = []
        self._in_work: tuple[Key, Resource | None] | None = None

    # What it holds.

    def __len__(self) -> int:
        return len(self._twins)

    def digital_twin(self, digital_twin_id: str) -> DigitalTwin | None:
        """Gives a twin."""
        return self._twins.get(digital_twin_id)

    def digital_twins(self, prefix: str, fits: Callable[[str], bool] | None) -> list[DigitalTwin]:
        """Lists twins in the order of their ids: those whose ids begin so, of the models that fit."""
        with self._lock:
            if fits is None:
                ids: Iterable[str] = self._twins
            else:
                ids = [one for model, members in self._by_model.items() if fits(model) for one in members]
            return [self._twins[one] for one in sorted(ids) if one.startswith(prefix)]

    def with_value(self, pointer: str, value: object) -> list[DigitalTwin]:
        """Lists the twins that have a value, in the order of their ids; KeyError if they are not indexed by it."""
        with self._lock:
            return [self._twins[one] for one in sorted(self._by_value[pointer].get(_index_key(value), ()))]

    def relationship(self, key: Key) -> Relationship | None:
        """Gives a relationship."""
        with self._lock:
            return self._outgoing.get(key[0], {}).get(key[1])

    def outgoing(self, digital_twin_id: str) -> list[Relationship]:
        """Lists the relationships that start from a twin, in the order of their ids."""
        with self._lock:
            return [relationship for _, relationship in sorted(self._outgoing.get(digital_twin_id, {}).items())]

    def incoming(self, digital_twin_id: str) -> list[Relationship]:
        """Lists the relationships that point to a twin, in the order of their sources."""
        with self._lock:
            return [self._outgoing[source][one] for source, one in sorted(self._incoming.get(digital_twin_id, {}))]

    def models(self) -> list[str]:
        """Lists the models of its twins."""
        with self._lock:
            return list(self._by_model)

    # What becomes of it.

    @property
    def is_listing(self) -> bool:
        """Tells whether the state is being told, from its first item."""
        return self._listed is not None

    @property
    def resume_token(self) -> str:
        """The token of the last message that is in the state; empty for none."""
        return self._resume_token

    @property
    def handled_ids(self) -> Sequence[str]:
        """The ids of the changes behind it that are in the state as well."""
        return tuple(self._handled)

    def begin_anew(self) -> None:
        """Forgets where to go on, so that the state is told anew; what is known stays until that says otherwise."""
        self.reached("")
        self.begin_listing()

    def begin_listing(self) -> None:
        """Notes that the state is told anew: what is not in it is gone."""
        with self._lock:
            self._listed = set()

    def listed(self, resource: Resource | None) -> list[Step]:
        """Gives the step that a resource of the state makes; none if it is known as it is."""
        if resource is None:
            return []
        key = _key(resource)
        if self._listed is not None:
            self._listed.add(key)
        known = self._get(key)
        return [] if known is not None and _is_same(known, resource) else [(key, resource)]

    def unlisted(self) -> list[Step]:
        """Gives the steps that take away what was not in the state: relationships go before twins."""
        with self._lock:
            gone = [] if self._listed is None else [key for key in self._keys() if key not in self._listed]
        return _removals(gone)

    def end_listing(self, resume_token: str) -> None:
        """Notes that the state has come, and where changes follow."""
        with self._lock:
            self._listed = None
            self._resume_token, self._handled = resume_token, []

    def changed(self, change: Change) -> list[Step]:
        """Gives the steps that a change makes; none if what it brings is known already.

        What changes while the state is told is part of the state.
        """
        key = (change.digital_twin_id, change.relationship_id)
        if self._listed is not None:
            self._listed.add(key)
        known = self._get(key)
        if known is not None and _is_older(change, known):
            return []
        if change.kind in _DELETED:
            gone = set() if key[1] else self._relationships_of(key[0], incoming=change.incoming_relationships_left)
            return _removals(gone if known is None else {*gone, key})
        resource = change.digital_twin or change.relationship
        if resource is None or (known is not None and _is_same(known, resource)):
            return []
        return [(key, resource)]

    def take(self, step: Step) -> Resource | None:
        """Takes a step, and gives what there was before; until it is `done`, what is saved is as before it."""
        key, after = step
        with self._lock:
            before = self._get(key)
            self._in_work = key, before
            self._forget(before)
            if after is not None:
                self._keep(after)
            return before

    def done(self) -> None:
        """Notes that all know of the last step."""
        self._in_work = None

    def handled(self, change_id: str) -> None:
        """Notes that a change behind the token is in the state."""
        with self._lock:
            self._handled.append(change_id)

    def reached(self, resume_token: str) -> None:
        """Notes that all before a token is in the state."""
        with self._lock:
            self._resume_token, self._handled = resume_token, []

    def save(self) -> bytes:
        """Writes all that it holds, and where it goes on."""
        with self._lock:
            resources: dict[Key, Resource] = {_key(resource): resource for resource in self._resources()}
            if self._in_work is not None:
                key, before = self._in_work
                resources.pop(key, None)
                if before is not None:
                    resources[key] = before
            token = "" if self.is_listing else self._resume_token
            handled = list(self._handled)
        state = {
            "version": _VERSION,
            "resumeToken": token,
            "handled": handled,
            "digitalTwins": [one.to_dict() for one in resources.values() if isinstance(one, DigitalTwin)],
            "relationships": [one.to_dict() for one in resources.values() if isinstance(one, Relationship)],
        }
        return json.dumps(state, ensure_ascii=False, separators=(",", ":")).encode()

    def restore(self, saved: bytes) -> None:
        """Reads what was saved.

        Raises:
            ValueError: It is nothing that was saved, or by a version of the client that writes it in another way.
        """
        state = _json.load(saved)
        if not isinstance(state, Mapping) or state.get("version") != _VERSION:
            raise ValueError("this is no saved state of a TwinCache, or one of another version of the client")
        for twin in state["digitalTwins"]:
            self._keep(DigitalTwin.from_dict(twin))
        for relationship in state["relationships"]:
            self._keep(Relationship.from_dict(relationship))
        if state["resumeToken"]:
            self._listed = None
        self._resume_token, self._handled = state["resumeToken"], list(state["handled"])

    def _get(self, key: Key) -> Resource | None:
        return self._outgoing.get(key[0], {}).get(key[1]) if key[1] else self._twins.get(key[0])

    def _resources(self) -> Iterator[Resource]:
        yield from self._twins.values()
        for relationships in self._outgoing.values():
            yield from relationships.values()

    def _relationships_of(self, digital_twin_id: str, *, incoming: bool) -> set[Key]:
        """Gives the keys of the relationships from a digital twin, and, if they are wanted, of those to it."""
        with self._lock:
            keys = {(digital_twin_id, member) for member in self._outgoing.get(digital_twin_id, ())}
            return keys.union(self._incoming.get(digital_twin_id, ())) if incoming else keys

    def _keys(self) -> list[Key]:
        return [_key(resource) for resource in self._resources()]

    def _keep(self, resource: Resource) -> None:
        if isinstance(resource, DigitalTwin):
            self._twins[resource.id] = resource
        else:
            self._outgoing.setdefault(resource.source_id, {})[resource.id] = resource
        for place, name, member in self._entries(resource):
            place.setdefault(name, {})[member] = None

    def _forget(self, resource: Resource | None) -> None:
        if resource is None:
            return
        if isinstance(resource, DigitalTwin):
            del self._twins[resource.id]
        else:
            _remove(self._outgoing, resource.source_id, resource.id)
        for place, name, member in self._entries(resource):
            _remove(place, name, member)

    def _entries(self, resource: Resource) -> Iterator[tuple[dict[Any, Any], object, Any]]:
        """Gives the places where something is found, the name that each has it under, and what is there."""
        if isinstance(resource, Relationship):
            yield self._incoming, resource.target_id, (resource.source_id, resource.id)
            return
        yield self._by_model, resource.model_id, resource.id
        for pointer, place in self._by_value.items():
            found = _at(resource, pointer)
            if found is not _ABSENT:
                yield place, _index_key(found), resource.id


_ABSENT: Final = object()


def _remove(place: dict[Any, Any], name: object, member: object) -> None:
    """Removes a member, and with the last one its name."""
    del place[name][member]
    if not place[name]:
        del place[name]


def _key(resource: Resource) -> Key:
    return (resource.id, "") if isinstance(resource, DigitalTwin) else (resource.source_id, resource.id)


def _removals(keys: Iterable[Key]) -> list[Step]:
    """Makes the steps that take resources away: relationships before twins, in the order of their keys."""
    return [(key, None) for key in sorted(keys, key=lambda key: (not key[1], key))]


def _is_same(known: Resource, told: Resource) -> bool:
    """Tells whether something is as it is known; without etags nobody can tell but by all that there is."""
    return known.etag == told.etag if known.etag and told.etag else known == told


def _is_older(change: Change, known: Resource) -> bool:
    """Tells whether what is known has a change in it already.

    The changes of a source that tells no etags begin before the state was read. What they are older than says the
    twin's own time. A twin that leaves what is watched has been changed, and not deleted: it comes without itself.
    """
    has_left = change.kind in _DELETED and change.digital_twin is None
    if change.etag or has_left or not isinstance(known, DigitalTwin) or known.last_update_time is None:
        return False
    return change.time.nanoseconds <= known.last_update_time.nanoseconds


def _at(twin: DigitalTwin, pointer: str) -> Any:
    """Gives the value that a JSON Pointer leads to."""
    first, *rest = (segment.replace("~1", "/").replace("~0", "~") for segment in pointer[1:].split("/"))
    place: Any = twin.components.get(first) or twin.properties
    value = place.properties if place is not twin.properties else place.get(first, _ABSENT)
    for segment in rest:
        value = value.get(segment, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    return value


def _index_key(value: object) -> object:
    """Makes what equal values have in common, and others do not: 20 and 20.0 are one, 1 and True are two."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return (json.dumps(value, sort_keys=True),)
