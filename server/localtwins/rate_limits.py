"""The service's rate limits: how many requests a second it takes, as a whole and for one twin.

A second's worth of requests may come at once; after that they must keep the pace (the generic cell rate algorithm,
ITU-T I.371). Telemetry has no documented rate.
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Final

import orjson

from localtwins import errors
from localtwins.message import Response
from localtwins.rest.call import Call
from localtwins.rest_api import Operation, Rate
from localtwins.settings import Settings

_SECOND: Final = 1.0
_ROUNDING: Final = 1e-6
_SWEEP: Final = 10_000
_CHANGES_TWINS: Final = frozenset({Rate.PATCHES, Rate.CREATES_AND_DELETES})


class Pace:
    """Allows so many units a second for each key of a kind; a key that has been idle for a second takes no memory."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._interval = _SECOND / per_second
        self._burst = max(_SECOND, self._interval)
        self._clock = clock
        self._due: dict[str, float] = {}  # when the key will have worked off what it took
        self._sweep_at = _SWEEP

    def wait(self, key: str) -> float:
        """Gives the seconds until `key` may take one unit, 0 for now."""
        wait = self._due.get(key, 0.0) + self._interval - self._clock() - self._burst
        return wait if wait > _ROUNDING else 0.0

    def take(self, key: str, units: float = 1.0) -> None:
        """Uses up units of `key`."""
        now = self._clock()
        self._due[key] = max(self._due.get(key, 0.0), now) + units * self._interval
        if len(self._due) > self._sweep_at:
            self._due = {key: due for key, due in self._due.items() if due > now}
            self._sweep_at = max(2 * len(self._due), _SWEEP)


class RateLimits:
    """Refuses requests that come too fast.

    Args:
        settings: have the rates.
        clock: gives seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._instance = {rate: Pace(getattr(settings, rate.value), clock) for rate in Rate}
        self._twins = Pace(settings.rate_twin_writes, clock)
        self._query_units = Pace(settings.rate_query_units, clock)

    def admit(self, operation: Operation, call: Call, ids: Sequence[str]) -> None:
        """Counts a request, unless it refuses it.

        Raises:
            ThrottledError: there are too many, to the instance or to a twin.
            AdtError: QuotaReachedError if queries have used up their units.
        """
        rate = operation.rate
        if rate is None:
            return
        wait = self._instance[rate].wait("")
        if wait:
            raise errors.ThrottledError(_whole_seconds(wait))
        if rate is Rate.QUERIES and (wait := self._query_units.wait("")):
            raise errors.quota_reached(_whole_seconds(wait))
        twins = _changed_twins(operation, call, ids)
        for twin_id in twins:
            if wait := self._twins.wait(twin_id):
                raise errors.ThrottledError(_whole_seconds(wait), twin_id)
        self._instance[rate].take("")
        for twin_id in twins:
            self._twins.take(twin_id)

    def settle(self, operation: Operation, answer: Response) -> None:
        """Counts the query units that an answer cost."""
        if operation.rate is Rate.QUERIES and "query-charge" in answer.headers:
            self._query_units.take("", float(answer.headers["query-charge"]))


def _whole_seconds(wait: float) -> int:
    return max(math.ceil(wait), 1)


def _changed_twins(operation: Operation, call: Call, ids: Sequence[str]) -> list[str]:
    """Gives the twins that an operation changes: a relationship counts towards both of its ends (recorded)."""
    if operation.rate not in _CHANGES_TWINS:
        return []
    source_id = ids[0]
    if not operation.name.endswith("_relationship"):
        return [source_id]
    if operation.name == "put_relationship":
        document = call.request.body
    else:
        stored = call.read.relationship(source_id, ids[1])
        document = stored.document if stored else b""
    try:
        target_id = orjson.loads(document)["$targetId"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return [source_id]
    return [source_id, target_id] if type(target_id) is str and target_id != source_id else [source_id]
