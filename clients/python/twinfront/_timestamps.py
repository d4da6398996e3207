"""Points in time, to the 100 ns that Azure Digital Twins keeps."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION: Final = re.compile(r"[.,](\d+)")


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A point in time as Azure Digital Twins writes it, for example `2022-12-06T20:00:32.8209188Z`.

    The service counts in 100 ns and a `datetime` in microseconds, so the text is what is kept and sent back. Two
    timestamps are equal if their texts are; compare `nanoseconds` to order them.
    """

    text: str
    """ISO 8601. Without an offset it counts as UTC."""

    @classmethod
    def from_datetime(cls, when: datetime) -> Self:
        """Makes the timestamp of an aware `datetime`, in UTC; a naive one raises ValueError."""
        if when.tzinfo is None:
            raise ValueError(f"{when.isoformat()} has no time zone: use datetime.now(UTC) or the like")
        return cls(when.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z")

    def to_datetime(self) -> datetime:
        """Makes an aware `datetime`, digits below a microsecond cut off; ValueError if the text is not ISO 8601."""
        when = datetime.fromisoformat(self.text)
        return when if when.tzinfo else when.replace(tzinfo=UTC)

    @property
    def nanoseconds(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00Z, exact; ValueError if the text is not ISO 8601."""
        seconds = (self.to_datetime().replace(microsecond=0) - _EPOCH) // timedelta(seconds=1)
        fraction = _FRACTION.search(self.text)
        return seconds * 1_000_000_000 + (int(fraction[1][:9].ljust(9, "0")) if fraction else 0)

    def __str__(self) -> str:
        return self.text


def timestamp_text(when: Timestamp | datetime | str) -> str:
    """Gives the text to send; a `str` is taken as it is."""
    match when:
        case Timestamp():
            return when.text
        case datetime():
            return Timestamp.from_datetime(when).text
        case str():
            return when
        case _:
            raise TypeError(f"a time is a datetime, a Timestamp or ISO 8601 text, and not a {type(when).__name__}")


def time_text(value: Timestamp | date | time | timedelta) -> str:
    """Gives the text of a time as DTDL has it.

    | Python                  | DTDL     | for example                   |
    | ----------------------- | -------- | ----------------------------- |
    | `datetime`, `Timestamp` | dateTime | `2022-12-06T20:00:32.820918Z` |
    | `date`                  | date     | `2022-12-06`                  |
    | `time`                  | time     | `20:00:32`                    |
    | `timedelta`             | duration | `PT90.5S`                     |

    Raises:
        ValueError: A `datetime` without a time zone.
    """
    match value:
        case Timestamp() | datetime():
            return timestamp_text(value)
        case timedelta():
            sign, length = ("-", -value) if value < timedelta(0) else ("", value)
            seconds, rest = divmod(length, timedelta(seconds=1))
            fraction = f".{rest.microseconds:06}".rstrip("0") if rest else ""
            return f"{sign}PT{seconds}{fraction}S"
        case _:
            return value.isoformat()
