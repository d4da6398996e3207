"""Durations as people write them: `30`, `1.5s`, `250ms`, `5m` or `1h`."""

import re
from typing import Annotated, Final

from twinfront_program.values import FINITE, Before, within

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_FORM: Final = re.compile(r"(?P<number>\d{1,9}(\.\d{1,9})?)(?P<unit>ms|s|m|h)?", re.ASCII)
_LONGEST_SHOWN: Final = 40


def parse_duration(text: str) -> float:
    """Gives the seconds of a duration; a number without a unit is seconds already.

    Raises:
        ValueError: if the text is no duration.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
        raise ValueError(f"{shown!r} is no duration; it takes forms such as 30s, 250ms or 5m")
    return float(match["number"]) * _UNITS[match["unit"] or "s"]


def _read(value: object) -> object:
    """Reads the text of a flag or variable; the type check takes numbers from programs, and refuses the rest."""
    return parse_duration(value) if isinstance(value, str) else value


DURATION: Final = Before(_read)
"""The mark of a setting that is a duration."""

Seconds = Annotated[float, DURATION, FINITE, within(ge=0)]
PositiveSeconds = Annotated[float, DURATION, FINITE, within(gt=0)]
