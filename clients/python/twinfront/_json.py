"""Writes and reads JSON: integers stay integers, and what JSON cannot hold is refused with its path."""

import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any, Final

from twinfront._timestamps import Timestamp, time_text

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1


def dump(value: object, where: str) -> bytes:
    """Writes `value` as JSON.

    Args:
        value: None, bool, int, float, str, times (see `time_text`), or lists, tuples and string-keyed mappings of them.
        where: What the value is, as errors name it: `digital_twin`, `patch[2].value`.

    Raises:
        ValueError: NaN, an infinity, an integer beyond 64 bits, text that is not Unicode, a datetime without a time
            zone, or nesting that has no end.
        TypeError: Anything that is no JSON value; the message names its path.
    """
    try:
        plain = _plain(value, where, "")
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError(f"{where} is nested too deeply, or contains itself") from None


def load(text: bytes | str) -> Any:
    """Reads the value that a JSON text holds: 1 is an int, 1.0 a float."""
    return json.loads(text)


def _plain(value: object, where: str, path: str) -> object:
    """Makes `value` of the builtin types that `json` writes; `path` is the JSON Pointer to it."""
    match value:
        case None | bool():
            return value
        case str():
            if not value.isascii():
                _check_unicode(value, where, path)
            return value
        case int():
            if not INT64_MIN <= value <= INT64_MAX:
                raise ValueError(f"{_at(where, path)} is {value}, beyond the 64 bits of a DTDL long")
            return value
        case float():
            # The comparison is false for NaN as well.
            if not -float("inf") < value < float("inf"):
                raise ValueError(f"{_at(where, path)} is {value}, which JSON has no form for")
            return value
        case Mapping():
            return {
                _name(name, where, path): _plain(item, where, f"{path}/{escape(name)}") for name, item in value.items()
            }
        case Timestamp() | date() | time() | timedelta():
            try:
                return time_text(value)
            except ValueError as error:
                raise ValueError(f"{_at(where, path)}: {error}") from None
        case list() | tuple():
            return [_plain(item, where, f"{path}/{index}") for index, item in enumerate(value)]
        case _:
            raise TypeError(f"{_at(where, path)} is a {type(value).__name__}, which is no JSON value")


def escape(segment: object) -> str:
    """Writes a name or an index as a segment of a JSON Pointer (RFC 6901, section 3)."""
    return str(segment).replace("~", "~0").replace("/", "~1")


def _name(name: object, where: str, path: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{_at(where, path)} has the name {name!r}, and names in JSON are strings")
    if not name.isascii():
        _check_unicode(name, where, path)
    return name


def _check_unicode(text: str, where: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{_at(where, path)} has a surrogate without its pair, which is no Unicode text") from None


def _at(where: str, path: str) -> str:
    return f"{where} at {path}" if path else where
