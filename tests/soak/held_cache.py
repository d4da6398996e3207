"""A cache that follows the graph through all of a soak, and is held against it in the end."""

import time
from functools import partial
from typing import Any, Final, Self

from tests.replica import Key, Replica

from twinfront import TwinCache, TwinfrontClient

from .load import patiently

_SETTLING_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.2
_SHOWN: Final = 3

Etags = dict[Key, str]


class HeldCache:
    """Keeps the whole graph; `with HeldCache(client) as cache`.

    Attributes:
        told: how often its callbacks were called.
    """

    def __init__(self, client: TwinfrontClient) -> None:
        self._client = client
        self._replica = Replica()
        self.told = self._replica.told
        self._cache = TwinCache(
            client,
            relationships=True,
            added=self._replica.added,
            changed=self._replica.changed,
            removed=self._replica.removed,
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
        while (differences := self._differences(graph)) and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        found = [f"the cache: {problem}" for problem in self._replica.problems]
        if differences:
            shown = ", ".join(map(str, differences[:_SHOWN]))
            found.append(f"the cache and the graph differ in {len(differences)}, such as {shown}")
        return found

    def _differences(self, graph: Etags) -> list[tuple[Key, str]]:
        etags = {key: resource.etag for key, resource in self._replica.resources.copy().items()}
        return sorted(etags.items() ^ graph.items())


def _graph(client: TwinfrontClient) -> Etags:
    rows: list[Any] = list(client.query("SELECT * FROM digitaltwins"))
    etags: Etags = {(row["$dtId"], ""): row["$etag"] for row in rows}
    for row in client.query("SELECT * FROM relationships"):
        edge: Any = row
        etags[edge["$sourceId"], edge["$relationshipId"]] = edge["$etag"]
    return etags
