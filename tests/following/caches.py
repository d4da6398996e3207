"""Caches that are held against the graph: what their callbacks were told, and what they show in the end."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from twinfront import AsyncTwinCache, AsyncTwinfrontClient, DigitalTwin, Relationship

from .copy import Key
from .filters import Filter
from .graph import descendants

Resource = DigitalTwin | Relationship


class HeldCache:
    """A cache, and a replica that its callbacks make.

    Attributes:
        wanted: which part of the graph it is for.
        counts: how often each callback was called, and how often the cache began anew from what it had saved.
        problems: what must not be, in words.
    """

    def __init__(self, client: AsyncTwinfrontClient, wanted: Filter) -> None:
        self.wanted = wanted
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._client = client
        self._replica: dict[Key, Resource] = {}
        self._arguments: Mapping[str, Any] = {
            "digital_twin_ids": sorted(wanted.ids),
            "digital_twin_id_prefixes": wanted.prefixes,
            "model_ids": sorted(wanted.models),
            "relationships": True,
            "relationship_names": sorted(wanted.names),
            "added": self._added,
            "changed": self._changed,
            "removed": self._removed,
        }
        self._cache = AsyncTwinCache(client, **self._arguments)

    async def start(self) -> None:
        await self._cache.start()

    async def restart(self) -> None:
        """Ends it, and has another one go on from what it had."""
        await self._cache.aclose()
        saved = self._cache.save()
        self.counts["restarted"] += 1
        self._cache = AsyncTwinCache(self._client, saved=saved, **self._arguments)
        self._replica = self._held()
        await self._cache.start()

    async def close(self) -> None:
        await self._cache.aclose()

    def is_as(self, documents: Mapping[Key, dict[str, Any]]) -> bool:
        """Tells whether it has caught up, and is as the graph is."""
        return self._cache.is_synced and not self.differences(documents)

    def differences(self, documents: Mapping[Key, dict[str, Any]]) -> list[str]:
        """Tells where the cache, or what its callbacks made, is not as the graph is."""
        expected = self._expected(documents)
        problems = []
        for what, held in (("the cache", self._held()), ("the callbacks", self._replica)):
            for key in sorted(expected.keys() | held.keys()):
                found = held[key].to_dict() if key in held else None
                if found != expected.get(key):
                    problems.append(f"{key} is {found} to {what} and {expected.get(key)} in the graph")
        if self._cache.error is not None:
            problems.append(f"it has the error {self._cache.error!r}")
        return problems

    def _expected(self, documents: Mapping[Key, dict[str, Any]]) -> dict[Key, dict[str, Any]]:
        models = {model for one in self.wanted.models for model in descendants(one)}

        def fits(twin_id: str) -> bool:
            twin = documents[twin_id, ""]
            return not models or twin["$metadata"]["$model"] in models

        return {key: each for key, each in documents.items() if self.wanted.shows(key, each) and fits(key[0])}

    def _held(self) -> dict[Key, Resource]:
        found: list[Resource] = [*self._cache.list()]
        for source in list(self._cache._graph._outgoing):
            found += self._cache.relationships(source)
        return {_key(each): each for each in found}

    def _added(self, after: Resource) -> None:
        self.counts["added"] += 1
        if _key(after) in self._replica:
            self.problems.append(f"{_key(after)} was added, and it was there")
        self._replica[_key(after)] = after

    def _changed(self, before: Resource, after: Resource) -> None:
        self.counts["changed"] += 1
        if self._replica.get(_key(after)) != before:
            self.problems.append(f"{_key(after)} was changed from what it was not")
        if before.etag == after.etag:
            self.problems.append(f"{_key(after)} was changed to {after.etag} twice")
        self._replica[_key(after)] = after

    def _removed(self, before: Resource) -> None:
        self.counts["removed"] += 1
        if self._replica.pop(_key(before), None) != before:
            self.problems.append(f"{_key(before)} was removed, and it was not there as such")


def _key(resource: Resource) -> Key:
    if isinstance(resource, DigitalTwin):
        return resource.id, ""
    return resource.source_id, resource.id
