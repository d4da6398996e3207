"""The four temporal schemas: RFC 3339 date, dateTime and time, ISO 8601 duration, as the official parser reads them.

It asks for the zone of a dateTime or time. The service does not: twins that were read from it have values without one.
"""

import re
from datetime import date
from typing import Final

_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_TIME: Final = re.compile(
    r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?",
    re.ASCII,
)
_DURATION: Final = re.compile(
    r"P(?!\Z)"
    r"(?:(?:[0-9]+Y|[0-9]+\.[0-9]+Y\Z)?(?:[0-9]+M|[0-9]+\.[0-9]+M\Z)?|[0-9]+W|[0-9]+\.[0-9]+W\Z)"
    r"(?:[0-9]+D|[0-9]+\.[0-9]+D\Z)?"
    r"(?:T(?!\Z)(?:[0-9]+H|[0-9]+\.[0-9]+H\Z)?(?:[0-9]+M|[0-9]+\.[0-9]+M\Z)?(?:[0-9]+(?:\.[0-9]+)?S)?)?",
    re.ASCII,
)
"""Weeks stand alone or with days and time. A fraction is taken only in the last part, and never as `.1`."""


def is_date(text: str) -> bool:
    """Tells whether `text` is `YYYY-MM-DD` and a day of the calendar, years 0001 to 9999."""
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """Tells whether `text` is `HH:MM:SS[.f+]`, with or without `Z` or an offset of at most 14 hours."""
    return _TIME.fullmatch(text) is not None


def is_date_time(text: str) -> bool:
    """Tells whether `text` is a date, a capital `T` and a time."""
    return text[10:11] == "T" and is_date(text[:10]) and is_time(text[11:])


def is_duration(text: str) -> bool:
    """Tells whether `text` is an ISO 8601 duration with at least one part."""
    return _DURATION.fullmatch(text) is not None
