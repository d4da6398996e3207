"""A copy of the graph that is made of nothing but what a watch tells, and that takes nothing amiss in good faith."""

from typing import Any

from .filters import Filter
from .log import Row

Key = tuple[str, str]


class Copy:
    """A part of the graph.

    Attributes:
        documents: what is known.
        problems: what cannot be, in words.

    Args:
        is_exact: whether everything comes as it is at its turn. What comes into sight comes as it is when it is told.
    """

    def __init__(self, *, is_exact: bool) -> None:
        self.documents: dict[Key, dict[str, Any]] = {}
        self.problems: list[str] = []
        self._is_exact = is_exact
        self._is_stale = True

    def begin(self) -> None:
        """Takes note that the state comes, from its first item."""
        self.documents.clear()
        self._is_stale = False

    def spoil(self) -> None:
        """Takes note that what is known is wrong by now."""
        self._is_stale = True

    def item(self, document: dict[str, Any]) -> None:
        """Takes an item of the state."""
        if self._is_stale:
            return
        key = key_of(document)
        if key in self.documents:
            self.problems.append(f"{key} comes with the state, but it has come before")
        self.documents[key] = document

    def change(self, row: Row, kind: str, patch: list[tuple[str, str, Any]], document: dict[str, Any] | None) -> None:
        """Takes a change."""
        if self._is_stale:
            return
        is_there = row.key in self.documents
        if self._is_exact and is_there is kind.endswith("CREATED"):
            self.problems.append(f"{kind} of {row.key} at {row.position}, which was {'' if is_there else 'not '}there")
        if kind.endswith("DELETED"):
            self.documents.pop(row.key, None)
        elif document is not None:
            self.documents[row.key] = document
        elif is_there:
            for operation, path, value in patch:
                _apply(self.documents[row.key], operation, path, value)
            self.documents[row.key]["$etag"] = row.etag

    def differences(self, documents: dict[Key, dict[str, Any]], wanted: Filter) -> list[str]:
        """Tells where the copy is not as the graph is."""
        if self._is_stale:
            return []
        expected = {key: _without_times(each) for key, each in documents.items() if wanted.shows(key, each)}
        found = {key: _without_times(each) for key, each in self.documents.items()}
        return [
            f"{key} is {found.get(key)} in the copy and {expected.get(key)} in the graph"
            for key in sorted(expected.keys() | found.keys())
            if found.get(key) != expected.get(key)
        ]


def key_of(document: dict[str, Any]) -> Key:
    if "$relationshipId" in document:
        return document["$sourceId"], document["$relationshipId"]
    return document["$dtId"], ""


def _apply(document: dict[str, Any], operation: str, path: str, value: Any) -> None:
    *above, last = path.removeprefix("/").split("/")
    place = document
    for name in above:
        place = place[name]
    if operation == "remove":
        place.pop(last, None)
    else:
        place[last] = value


def _without_times(document: dict[str, Any]) -> dict[str, Any]:
    """Leaves out what the service writes by itself, but for etags and models."""
    left = {}
    for name, value in document.items():
        if name == "$metadata":
            left[name] = value.get("$model")
        else:
            left[name] = _without_times(value) if isinstance(value, dict) else value
    return left
