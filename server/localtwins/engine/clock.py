"""Times as the service writes them, in steps of 100 ns."""

import time
from functools import lru_cache

_TICKS_PER_SECOND = 10_000_000


class Clock:
    """Tells the time in ticks of 100 ns since 1970, each reading later than the one before."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Read the clock."""
        self._last = max(time.time_ns() // 100, self._last + 1)
        return self._last


def twin_time(ticks: int) -> str:
    """Write a time as in twins: always seven decimals, `2022-09-29T04:02:39.5373220Z`."""
    seconds, fraction = divmod(ticks, _TICKS_PER_SECOND)
    return f"{_date_and_time(seconds)}.{fraction:07d}Z"


def model_time(ticks: int) -> str:
    """Write a time as in models: no trailing zeros, the offset written out, `2022-09-29T04:02:41.33876+00:00`."""
    seconds, fraction = divmod(ticks, _TICKS_PER_SECOND)
    decimals = f".{fraction:07d}".rstrip("0").rstrip(".")
    return f"{_date_and_time(seconds)}{decimals}+00:00"


@lru_cache(maxsize=4)
def _date_and_time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
