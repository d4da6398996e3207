"""The filter of a watch: which changes its caller wants, checked, and in a form that is quick to ask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from twinfront.v1.change_service_pb2 import ChangeFilter, ChangeKind
from twinfront_server.adt.change import Kind
from twinfront_server.adt.json_pointer import tokens_of
from twinfront_server.adt.twin_json import Document
from twinfront_server.errors import invalid_argument
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.json_patch import is_path
from twinfront_server.wire.limits import MAX_PATH, require_at_most

MAX_IDS: Final = 1_000
"""Ids, or beginnings of ids, in a filter."""

MAX_OTHERS: Final = 100
"""Models, paths or names in a filter."""

_KINDS: Final = {kind.value: kind for kind in Kind if kind.value > 0}
_BY_DEFAULT: Final = frozenset(_KINDS.values()) - {Kind.TELEMETRY}
_PATTERNS: Final = frozenset({"*", "**"})

Tokens = tuple[str, ...]


class Paths:
    """Places in a document, of which it is asked whether a patch changes something there.

    Args:
        pointers: the places.
    """

    def __init__(self, pointers: Iterable[str]) -> None:
        self._places = frozenset(tuple(tokens_of(pointer)) for pointer in pointers)
        self._above = frozenset(place[:length] for place in self._places for length in range(len(place)))
        self._depth = max(map(len, self._places), default=0)

    def are_changed_by(self, patch: Sequence[Document]) -> bool:
        """Tells whether an operation is at one of the places, below it, or at what it lies in."""
        return any(self._is_changed_at(operation.get("path")) for operation in patch)

    def _is_changed_at(self, path: Any) -> bool:
        tokens = tuple(tokens_of(path)) if isinstance(path, str) and path else ()
        if tokens in self._above:
            return True
        return any(tokens[:length] in self._places for length in range(1, min(len(tokens), self._depth) + 1))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Changes that a watch is to tell; each part that is empty fits everything.

    Attributes:
        ids: of digital twins.
        prefixes: beginnings of ids of digital twins, beside them.
        models: of digital twins, or their ancestors.
        kinds: of changes; never empty.
        paths: that updates have to change; None for any.
        relationship_names: of relationships.
    """

    ids: frozenset[str]
    prefixes: tuple[str, ...]
    models: frozenset[str]
    kinds: frozenset[Kind]
    paths: Paths | None
    relationship_names: frozenset[str]

    @property
    def is_for_all_ids(self) -> bool:
        """Tells whether it is for twins of any id."""
        return not self.ids and not self.prefixes

    def fits_id(self, digital_twin_id: str) -> bool:
        """Tells whether it is for a twin of this id."""
        return self.is_for_all_ids or digital_twin_id in self.ids or digital_twin_id.startswith(self.prefixes)

    def fits_name(self, relationship_name: str) -> bool:
        """Tells whether it is for relationships of this name."""
        return not self.relationship_names or relationship_name in self.relationship_names


def wanted_changes(given: ChangeFilter) -> Wanted:
    """Reads the filter of a request.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for too many of something, an id or name that nothing can have, a kind that
            there is not, or a path that is no JSON Pointer to a member.
    """
    return Wanted(
        ids=_texts(given.digital_twin_ids, "digital_twin_ids", MAX_IDS),
        prefixes=tuple(sorted(_texts(given.digital_twin_id_prefixes, "digital_twin_id_prefixes", MAX_IDS))),
        models=_texts(given.model_ids, "model_ids", MAX_OTHERS),
        kinds=_kinds(given.kinds),
        paths=_paths(given.paths),
        relationship_names=_texts(given.relationship_names, "relationship_names", MAX_OTHERS),
    )


def _texts(given: Sequence[str], name: str, most: int) -> frozenset[str]:
    field = f"filter.{name}"
    require_at_most(len(given), most, field, "entries")
    return frozenset(required_id(text, f"{field}[{index}]") for index, text in enumerate(given))


def _kinds(given: Sequence[ChangeKind.ValueType]) -> frozenset[Kind]:
    require_at_most(len(given), MAX_OTHERS, "filter.kinds", "entries")
    for index, number in enumerate(given):
        if number not in _KINDS:
            raise invalid_argument(f"filter.kinds[{index}]", f"{number} is not a kind of change")
    return _kinds_of(frozenset(given)) if given else _BY_DEFAULT


@lru_cache(maxsize=256)
def _kinds_of(numbers: frozenset[int]) -> frozenset[Kind]:
    """Gives kinds by their numbers: one set for all watches that want the same, since a set takes much of a watch."""
    return frozenset(_KINDS[number] for number in numbers)


def _paths(given: Sequence[str]) -> Paths | None:
    require_at_most(len(given), MAX_OTHERS, "filter.paths", "entries")
    for index, path in enumerate(given):
        field = f"filter.paths[{index}]"
        require_at_most(len(path), MAX_PATH, field, "characters")
        if not path.startswith("/") or not is_path(path):
            raise invalid_argument(field, "is not a JSON Pointer to a member, such as /temperature (RFC 6901)")
        if not _PATTERNS.isdisjoint(tokens_of(path)):
            raise invalid_argument(field, "has a * for a name: paths are JSON Pointers, which know no patterns")
    return Paths(given) if given else None
