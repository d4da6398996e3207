"""A copy of a graph that is made of what a watch tells, and does not put up with anything that does not fit."""

from typing import Any

from twinfront.v1 import change_service_pb2 as messages

from .watcher import told

Key = tuple[str, str]
"""The id of a twin and nothing, or the source and the id of a relationship."""


class GraphCopy:
    """Etags of twins and relationships, by their ids.

    What is created must not be there, what is updated or deleted must. So a change that comes twice, comes too early or
    is missing is noticed.
    """

    def __init__(self) -> None:
        self.etags: dict[Key, str] = {}
        self.ids: set[str] = set()
        self.is_whole = False

    def apply(self, message: messages.WatchResponse) -> None:
        for twin in message.initial_items.digital_twins:
            self._add((twin.id, ""), twin.etag)
        for relationship in message.initial_items.relationships:
            self._add((relationship.source_id, relationship.id), relationship.etag)
        for change in message.changes.changes:
            self._change(change)
        if message.HasField("initial_state_end"):
            self.is_whole = True
        if message.HasField("reset"):
            self.etags.clear()
            self.is_whole = False

    def _add(self, key: Key, etag: str) -> None:
        assert key not in self.etags, f"{key} is there already"
        self.etags[key] = etag

    def _change(self, change: messages.Change) -> None:
        assert change.id not in self.ids, f"{told(change)} came before"
        self.ids.add(change.id)
        key = (change.digital_twin_id, change.relationship_id)
        match told(change)[0].partition("_")[2]:
            case "CREATED":
                self._add(key, change.etag)
            case "UPDATED":
                assert key in self.etags, f"{key} is not there"
                assert self.etags[key] != change.etag, f"{key} is as it was"
                self.etags[key] = change.etag
            case "DELETED":
                assert self.etags.pop(key, None) == change.etag, f"{key} was not told of as it was"


def etags_in(twins: Any, relationships: Any) -> dict[Key, str]:
    """Gives the etags of a graph that was read."""
    return {(twin.id, ""): twin.etag for twin in twins} | {
        (relationship.source_id, relationship.id): relationship.etag for relationship in relationships
    }
