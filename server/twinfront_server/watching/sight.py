"""Decides which changes a watch tells, and as what: those that its filter fits, of what its caller may see.

Where it depends on the model, a change of the model moves a digital twin in or out; where it depends on the name or the
target of a relationship, so does a relationship that takes the place of another one:

    before   after
    inside   inside    told as it is
    outside  inside    told as created, with the twin or relationship as it is now
    inside   outside   told as deleted, without it
    outside  outside   not told

Of a model that is gone by the time at which a change is told, nobody knows what it extended. It is taken to be inside:
what is told too much does less harm than what is missing. Not so where it is for what the caller may see.
"""

import hashlib
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final

from twinfront_server.access.scope import Scope
from twinfront_server.adt.change import MARKS, MODELS, RELATIONSHIPS, TWINS, UPDATES, Change, Kind
from twinfront_server.adt.twin_json import METADATA, MODEL, Document, metadata_of
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.reads import document
from twinfront_server.watching.feed import Entry, Reader
from twinfront_server.watching.present import if_there
from twinfront_server.wire.change_filter import Wanted

_ENTERING: Final = frozenset({Kind.TWIN_CREATED, Kind.TWIN_DELETED, Kind.RELATIONSHIP_CREATED})
"""Kinds as which a change of a twin's model may be told."""

_MOVING: Final = frozenset({Kind.RELATIONSHIP_CREATED, Kind.RELATIONSHIP_DELETED})
"""Kinds as which a change of a relationship's name or target may be told."""

_MODEL_PATH: Final = f"/{METADATA}/{MODEL}"
_END_PATHS: Final = frozenset({"/$relationshipName", "/$targetId"})
_MOVES: Final[dict[frozenset[Kind], dict[tuple[bool, bool], Kind | None]]] = {
    kinds: {(True, True): updated, (False, True): created, (True, False): deleted, (False, False): None}
    for kinds, created, updated, deleted in (
        (TWINS, Kind.TWIN_CREATED, Kind.TWIN_UPDATED, Kind.TWIN_DELETED),
        (RELATIONSHIPS, Kind.RELATIONSHIP_CREATED, Kind.RELATIONSHIP_UPDATED, Kind.RELATIONSHIP_DELETED),
    )
}
"""As what an update is told, by whether its subject was inside and is."""


class Sight:
    """Sees, of all changes, those that a watch tells.

    Attributes:
        wanted: its filter.

    Args:
        wanted: its filter.
        scope: the part of the graph that its caller may see.
        upstream: knows models, and what is there now.
        sees_models: whether its caller may see models.
    """

    def __init__(self, wanted: Wanted, scope: Scope, upstream: Upstream, *, sees_models: bool) -> None:
        self.wanted = wanted
        self._scope = scope
        self._upstream = upstream
        self._sees_models = sees_models
        self._goes_by_model = bool(wanted.models) or any(limit.models for limit in scope.limits)
        further = MARKS
        if self._goes_by_model and not _ENTERING.isdisjoint(wanted.kinds):
            further |= {Kind.TWIN_UPDATED}
        if (wanted.relationship_names or scope.is_limited) and not _MOVING.isdisjoint(wanted.kinds):
            further |= {Kind.RELATIONSHIP_UPDATED}
        self._kinds = _together(wanted.kinds, further)

    @property
    def digest(self) -> str:
        """Stands for what the caller may see; empty for everything.

        A watch cannot go on with another one: what has come into sight would be missing.
        """
        if not self._scope.is_limited and self._sees_models:
            return ""
        limits = sorted((sorted(limit.ids), sorted(limit.models)) for limit in self._scope.limits)
        return hashlib.sha256(repr((limits, self._sees_models)).encode()).hexdigest()[:16]

    @property
    def is_limited(self) -> bool:
        """Tells whether the caller may see less than the whole graph."""
        return self._scope.is_limited

    def reader(self) -> Reader:
        """Makes a reader of what may concern the watch."""
        if self.wanted.is_for_all_ids:
            return Reader(self._kinds)
        return Reader(self._kinds, self.wanted.ids, self.wanted.prefixes)

    async def told_as(self, entry: Entry) -> Kind | None:
        """Tells as which kind a change is told; None if it is not."""
        change = entry.change
        if change.kind not in self._kinds:
            return None
        if change.kind in MODELS:
            kind = await self._model_told_as(change)
        elif not self.wanted.fits_id(change.digital_twin_id) or not self._may_see_id(change.digital_twin_id):
            return None
        elif change.kind in RELATIONSHIPS:
            kind = await self._relationship_told_as(entry)
        else:
            kind = await self._twin_told_as(entry)
        if kind is None or kind not in self.wanted.kinds:
            return None
        paths = self.wanted.paths
        if kind in UPDATES and paths is not None and not paths.are_changed_by(entry.data["patch"]):
            return None
        return kind

    async def has_lost(self, change: Change) -> bool:
        """Tells whether the caller may not see a digital twin as it is after a change, whatever the filter says."""
        seen = self._scope.models_of(change.digital_twin_id)
        return seen is not None and not await self._upstream.descends(change.model_id, seen)

    async def shows_twin(self, twin: Document) -> bool:
        """Tells whether a digital twin that was read is part of what is watched."""
        digital_twin_id = twin["$dtId"]
        return (
            self.wanted.fits_id(digital_twin_id)
            and self._may_see_id(digital_twin_id)
            and await self._fits_model(digital_twin_id, metadata_of(twin).get(MODEL, ""))
        )

    async def shows_relationship(self, relationship: Document) -> bool:
        """Tells whether a relationship that was read is part of what is watched."""
        source_id = relationship["$sourceId"]
        return (
            self.wanted.fits_id(source_id)
            and self._may_see_id(source_id)
            and self.wanted.fits_name(relationship["$relationshipName"])
            and await self._fits_model(source_id, "")
            and await self._may_see(relationship["$targetId"])
        )

    async def _twin_told_as(self, entry: Entry) -> Kind | None:
        change = entry.change
        if not self._goes_by_model:
            return change.kind
        twin_id = change.digital_twin_id
        is_inside = await self._fits_model(twin_id, change.model_id, if_gone=True)
        if change.kind is not Kind.TWIN_UPDATED or not _changes_model(entry):
            return change.kind if is_inside else None
        # One whose model of before nobody knows is told as if it came in or went out.
        was_inside = not is_inside
        if change.previous_model_id:
            was_inside = await self._fits_model(twin_id, change.previous_model_id, if_gone=True)
        return _MOVES[TWINS][was_inside, is_inside]

    async def _relationship_told_as(self, entry: Entry) -> Kind | None:
        change = entry.change
        name, target_id = change.relationship_name, change.target_id
        if (self.wanted.relationship_names and not name) or (self.is_limited and not target_id):
            ends = entry.data if change.kind is not Kind.RELATIONSHIP_UPDATED else await self._relationship(change)
            if ends is None:
                return None
            name, target_id = ends["$relationshipName"], ends["$targetId"]
        if not await self._fits_model(change.digital_twin_id, change.model_id, if_gone=True):
            return None
        is_inside = await self._fits_ends(name, target_id)
        if change.kind is not Kind.RELATIONSHIP_UPDATED:
            return change.kind if is_inside else None
        was_inside = is_inside
        if change.previous_relationship_name or change.previous_target_id:
            was_inside = await self._fits_ends(
                change.previous_relationship_name or name, change.previous_target_id or target_id
            )
        elif not change.etag and _has_path(entry, _END_PATHS):  # nobody knows what they were
            was_inside = not is_inside
        return _MOVES[RELATIONSHIPS][was_inside, is_inside]

    async def _fits_ends(self, name: str, target_id: str) -> bool:
        return self.wanted.fits_name(name) and (not self.is_limited or await self._may_see(target_id))

    async def _model_told_as(self, change: Change) -> Kind | None:
        if not self._sees_models or not self.wanted.is_for_all_ids:
            return None
        for ancestors in (self.wanted.models or None, self._scope.models):
            if ancestors is not None and not await self._upstream.descends(
                change.model_id, ancestors, if_gone=ancestors is self.wanted.models
            ):
                return None
        return change.kind

    def _may_see_id(self, digital_twin_id: str) -> bool:
        models = self._scope.models_of(digital_twin_id)
        return models is None or bool(models)

    async def _may_see(self, digital_twin_id: str) -> bool:
        """Tells whether the caller may see a twin as it is now."""
        models = self._scope.models_of(digital_twin_id)
        if models is None or not models:
            return models is None
        return bool(await self._upstream.inside([digital_twin_id], self._scope))

    async def _fits_model(self, digital_twin_id: str, model_id: str, *, if_gone: bool = False) -> bool:
        """Tells whether a twin of a model is part of what is watched; of its model now, if none is given."""
        seen = self._scope.models_of(digital_twin_id)
        if not self.wanted.models and seen is None:
            return True
        model_id = model_id or await self._model_now(digital_twin_id)
        if not model_id:
            return if_gone and seen is None
        if self.wanted.models and not await self._upstream.descends(model_id, self.wanted.models, if_gone=if_gone):
            return False
        return seen is None or await self._upstream.descends(model_id, seen)

    async def _model_now(self, digital_twin_id: str) -> str:
        twin = await if_there(self._upstream.twins.get(digital_twin_id))
        model: str = "" if twin is None else metadata_of(document(twin)).get(MODEL, "")
        return model

    async def _relationship(self, change: Change) -> Document | None:
        found = await if_there(self._upstream.relationships.get(change.digital_twin_id, change.relationship_id))
        return None if found is None else document(found)


@lru_cache(maxsize=256)
def _together(wanted: frozenset[Kind], further: frozenset[Kind]) -> frozenset[Kind]:
    """Puts kinds together: one set for all watches that have the same, since a set takes much of a watch."""
    return wanted | further


def _changes_model(entry: Entry) -> bool:
    if entry.change.etag:  # the source tells what models were before, where they are other ones
        return bool(entry.change.previous_model_id)
    return _has_path(entry, {_MODEL_PATH})


def _has_path(entry: Entry, paths: AbstractSet[str]) -> bool:
    return any(operation.get("path") in paths for operation in entry.data["patch"])
