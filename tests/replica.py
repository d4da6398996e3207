"""A replica of a graph that the callbacks of a cache make."""

from collections import Counter

from twinfront import DigitalTwin, Relationship

Resource = DigitalTwin | Relationship
Key = tuple[str, str]
"""The id of a twin and nothing, or the source and the id of a relationship."""


class Replica:
    """Takes what the callbacks of a cache are told, and puts up with nothing that does not fit.

    Attributes:
        resources: what there is.
        told: how often each callback was called.
        problems: what must not be, in words.
    """

    def __init__(self) -> None:
        self.resources: dict[Key, Resource] = {}
        self.told: Counter[str] = Counter()
        self.problems: list[str] = []

    def added(self, after: Resource) -> None:
        self.told["added"] += 1
        if key_of(after) in self.resources:
            self.problems.append(f"{key_of(after)} was added, and it was there")
        self.resources[key_of(after)] = after

    def changed(self, before: Resource, after: Resource) -> None:
        self.told["changed"] += 1
        if self.resources.get(key_of(after)) != before:
            self.problems.append(f"{key_of(after)} was changed from what it was not")
        if before.etag == after.etag:
            self.problems.append(f"{key_of(after)} was changed to {after.etag} twice")
        self.resources[key_of(after)] = after

    def removed(self, before: Resource) -> None:
        self.told["removed"] += 1
        if self.resources.pop(key_of(before), None) != before:
            self.problems.append(f"{key_of(before)} was removed, and it was not there as such")


def key_of(resource: Resource) -> Key:
    if isinstance(resource, DigitalTwin):
        return resource.id, ""
    return resource.source_id, resource.id
