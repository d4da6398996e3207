"""A cache that follows the graph through all of a soak, and is held against it in the end."""

import time
from collections import Counter
from functools import partial
from typing import Any, Final, Self

from twinfront import DigitalTwin, Relationship, TwinCache, TwinfrontClient

from .load import patiently

_SETTLING_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.2
_SHOWN: Final = 3

Etags = dict[tuple[str, str], str]
"""By the id of a twin and, of a relationship that starts from it, the relationship's."""


class HeldCache:
    """Keeps the whole graph; `with HeldCache(client) as cache`.

    Attributes:
        told: how often its callbacks were called.
    """

    def __init__(self, client: TwinfrontClient) -> None:
        self.told: Counter[str] = Counter()
        self._client = client
        self._problems: list[str] = []
        self._replica: Etags = {}
        self._cache = TwinCache(
            client, relationships=True, added=self._added, changed=self._changed, removed=self._removed
        )

    def __enter__(self) -> Self:
        self._cache.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.close()

    def problems(self) -> list[str]:
        """Tells what its callbacks were told amiss, and where it is not as the graph is once nobody writes."""
        end = time.monotonic() + _SETTLING_SECONDS
        graph = patiently(partial(_graph, self._client))
        while self._replica != graph and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        differences = sorted(set(self._replica.items()) ^ set(graph.items()))
        if differences:
            shown = ", ".join(map(str, differences[:_SHOWN]))
            self._problems.append(f"the cache and the graph differ in {len(differences)}, such as {shown}")
        return self._problems

    def _added(self, after: DigitalTwin | Relationship) -> None:
        self.told["added"] += 1
        if _key(after) in self._replica:
            self._problems.append(f"the cache was told twice that {_key(after)} is there")
        self._replica[_key(after)] = after.etag

    def _changed(self, before: DigitalTwin | Relationship, after: DigitalTwin | Relationship) -> None:
        self.told["changed"] += 1
        if self._replica.get(_key(after)) != before.etag or before.etag == after.etag:
            self._problems.append(f"the cache was told that {_key(after)} is {after.etag} after {before.etag}")
        self._replica[_key(after)] = after.etag

    def _removed(self, before: DigitalTwin | Relationship) -> None:
        self.told["removed"] += 1
        if self._replica.pop(_key(before), None) != before.etag:
            self._problems.append(f"the cache was told that {_key(before)} is gone, which was not there so")


def _graph(client: TwinfrontClient) -> Etags:
    rows: list[Any] = list(client.query("SELECT * FROM digitaltwins"))
    etags: Etags = {(row["$dtId"], ""): row["$etag"] for row in rows}
    for row in client.query("SELECT * FROM relationships"):
        edge: Any = row
        etags[edge["$sourceId"], edge["$relationshipId"]] = edge["$etag"]
    return etags


def _key(resource: DigitalTwin | Relationship) -> tuple[str, str]:
    return (resource.id, "") if isinstance(resource, DigitalTwin) else (resource.source_id, resource.id)
