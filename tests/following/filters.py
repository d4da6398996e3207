"""Filters of watches, each of which judges slowly and plainly which changes are to be told."""

import random
from dataclasses import dataclass
from typing import Any, Final

from twinfront.v1 import change_service_pb2 as messages

from .graph import DESK, LAB, METER, NAMES, PARENTS, PREFIXES, ROOM, SPACE, descendants
from .log import Row

_KINDS: Final = [name.removeprefix("CHANGE_KIND_") for name, number in messages.ChangeKind.items() if number]
PATHS: Final = ("/level", "/labels/l1", "/sensor", "/note")
LIMIT: Final = PREFIXES[0]
"""What the ids begin with that the limited caller may see."""


@dataclass(frozen=True)
class Filter:
    """A filter, as the contract has it; `is_limited` says that a caller asks who may see a part alone."""

    ids: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    models: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    is_limited: bool = False

    def message(self) -> messages.ChangeFilter:
        return messages.ChangeFilter(
            digital_twin_ids=sorted(self.ids),
            digital_twin_id_prefixes=self.prefixes,
            model_ids=sorted(self.models),
            kinds=[messages.ChangeKind.Value(f"CHANGE_KIND_{kind}") for kind in sorted(self.kinds)],
            paths=self.paths,
            relationship_names=sorted(self.names),
        )

    def told(self, row: Row) -> str | None:
        """Gives the kind as which a change is to be told; None if it is not."""
        kind = self.seen_as(row)
        if kind is None or not (kind in self.kinds if self.kinds else kind != "TELEMETRY"):
            return None
        if kind.endswith("UPDATED") and self.paths and not any(map(self._fits_path, row.paths)):
            return None
        return kind

    def shows(self, key: tuple[str, str], document: dict[str, Any]) -> bool:
        """Tells whether a twin or relationship is part of what is watched, but for its model."""
        if not self._fits_id(key[0]):
            return False
        if not key[1]:
            return True
        return self._fits_ends(document["$relationshipName"], document["$targetId"])

    def is_entering(self, row: Row) -> bool:
        """Tells whether an update brings something into sight, which is not told if that is gone by the time."""
        return row.kind.endswith("UPDATED") and (self.seen_as(row) or "").endswith("CREATED")

    def may_leave_out(self, row: Row) -> bool:
        """Tells whether nobody can know by now if a change fits: of what a model extended that is gone."""
        return bool(self.models) and row.kind.startswith("MODEL") and row.model_id not in PARENTS

    def seen_as(self, row: Row) -> str | None:
        """Gives the kind that a change is for whoever wants changes of all kinds."""
        if row.kind.startswith("MODEL"):
            return row.kind if not (self.ids or self.prefixes) and self._fits_model(row.model_id) else None
        if not self._fits_id(row.twin_id):
            return None
        if row.kind.startswith("RELATIONSHIP"):
            if not self._fits_model(row.model_id):
                return None
            what = "RELATIONSHIP"
            after = self._fits_ends(row.relationship_name, row.target_id)
            before = self._fits_ends(
                row.previous_relationship_name or row.relationship_name, row.previous_target_id or row.target_id
            )
        else:
            what = "TWIN"
            after = self._fits_model(row.model_id)
            before = self._fits_model(row.previous_model_id or row.model_id)
        if before and after:
            return row.kind
        if before:
            return f"{what}_DELETED"
        return f"{what}_CREATED" if after else None

    def _fits_id(self, twin_id: str) -> bool:
        if self.is_limited and not twin_id.startswith(LIMIT):
            return False
        return not (self.ids or self.prefixes) or twin_id in self.ids or twin_id.startswith(self.prefixes)

    def _fits_ends(self, name: str, target_id: str) -> bool:
        return (not self.names or name in self.names) and (not self.is_limited or target_id.startswith(LIMIT))

    def _fits_model(self, model_id: str) -> bool:
        return not self.models or any(model_id in descendants(one) for one in self.models)

    def _fits_path(self, changed: str) -> bool:
        return any(
            not changed or changed == path or changed.startswith(f"{path}/") or path.startswith(f"{changed}/")
            for path in self.paths
        )


def random_filter(chance: random.Random) -> Filter:
    """Gives one of many filters, of one part or of several."""
    parts: dict[str, Any] = {}
    if chance.random() < 0.3:
        parts["ids"] = frozenset(f"{chance.choice(PREFIXES)}{chance.randrange(40)}" for _ in range(8))
    if chance.random() < 0.3:
        parts["prefixes"] = tuple(chance.sample(PREFIXES, chance.randrange(1, 3)))
    if chance.random() < 0.3:
        parts["models"] = frozenset(chance.sample([SPACE, ROOM, LAB, DESK, METER], chance.randrange(1, 3)))
    if chance.random() < 0.3:
        parts["kinds"] = frozenset(chance.sample(_KINDS, chance.randrange(1, 6)))
    if chance.random() < 0.2:
        parts["paths"] = tuple(chance.sample(PATHS, chance.randrange(1, 3)))
    if chance.random() < 0.2:
        parts["names"] = frozenset([chance.choice(NAMES)])
    if "models" not in parts and chance.random() < 0.2:
        parts["is_limited"] = True
    return Filter(**parts)
