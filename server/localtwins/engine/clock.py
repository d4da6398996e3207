"""Times as the service writes them, in steps of 100 ns."""

import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

TICKS_PER_SECOND: Final = 10_000_000
TICKS_PER_MICROSECOND: Final = 10
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LONGEST_TIME_SHOWN: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Tells the time in ticks of 100 ns since 1970, each reading later than the one before, `latest`."""

    def __init__(self, latest: int = 0) -> None:
        self.latest = latest

    def now(self) -> int:
        """Reads the clock."""
        self.latest = max(time.time_ns() // 100, self.latest + 1)
        return self.latest


def current_ticks() -> int:
    """Gives the time in ticks, for callers that write nothing."""
    return time.time_ns() // 100


def ticks_of(time: datetime) -> int:
    """Gives a time that has its zone in ticks."""
    return (time - _EPOCH) // timedelta(microseconds=1) * TICKS_PER_MICROSECOND


def datetime_of(ticks: int) -> datetime:
    """Gives a time in ticks in UTC, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=ticks // TICKS_PER_MICROSECOND)


def parse_time(text: str) -> datetime:
    """Reads a time of RFC 3339, of the years 1 to 9999 in UTC.

    Raises:
        ValueError: it is none.
    """
    if _RFC_3339.fullmatch(text):
        with suppress(OverflowError):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    raise ValueError(f"{text[:_LONGEST_TIME_SHOWN]!r} is no RFC 3339 time")


def twin_time(ticks: int) -> str:
    """Writes a time as in twins: always seven decimals, `2022-09-29T04:02:39.5373220Z`."""
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    return f"{_date_and_time(seconds)}.{fraction:07d}Z"


def model_time(ticks: int) -> str:
    """Writes a time as in models: no trailing zeros, the offset written out, `2022-09-29T04:02:41.33876+00:00`."""
    return f"{_without_trailing_zeros(ticks)}+00:00"


def job_time(ticks: int) -> str:
    """Writes a time as in jobs: no trailing zeros, `2023-05-31T22:17:56.170788Z`."""
    return f"{_without_trailing_zeros(ticks)}Z"


def _without_trailing_zeros(ticks: int) -> str:
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    decimals = f".{fraction:07d}".rstrip("0").rstrip(".")
    return f"{_date_and_time(seconds)}{decimals}"


@lru_cache(maxsize=4)
def _date_and_time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
