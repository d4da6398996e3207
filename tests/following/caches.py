"""Caches that are held against the graph: what their callbacks were told, and what they show in the end."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.replica import Key, Replica, Resource, key_of

from twinfront import AsyncTwinCache, AsyncTwinfrontClient

from .filters import Filter
from .graph import descendants


class HeldCache:
    """A cache, and a replica that its callbacks make.

    Attributes:
        wanted: which part of the graph it is for.
        counts: how often each callback was called, and how often the cache began anew from what it had saved.
        problems: what must not be, in words.
    """

    def __init__(self, client: AsyncTwinfrontClient, wanted: Filter) -> None:
        self.wanted = wanted
        self._replica = Replica()
        self.counts: Counter[str] = self._replica.told
        self.problems: list[str] = self._replica.problems
        self._client = client
        self._arguments: Mapping[str, Any] = {
            "digital_twin_ids": sorted(wanted.ids),
            "digital_twin_id_prefixes": wanted.prefixes,
            "model_ids": sorted(wanted.models),
            "relationships": True,
            "relationship_names": sorted(wanted.names),
            "added": self._replica.added,
            "changed": self._replica.changed,
            "removed": self._replica.removed,
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
        self._replica.resources = self._held()
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
        for what, held in (("the cache", self._held()), ("the callbacks", self._replica.resources)):
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
        return {key_of(each): each for each in found}
