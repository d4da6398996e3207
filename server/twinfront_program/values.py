"""Reads the value of a setting as its type says: from the text of a flag or variable, or as a program gives it.

A type is `str`, `bool`, `int`, `float`, a `Literal` of texts, a `dict` of texts, or one of these or none. What else a
value has to be stands beside it: `Annotated[int, within(ge=1)]`.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

Read = Callable[[Any], Any]
"""Gives what a value means; ValueError, with a text for whoever set it, if that is nothing."""

_INTEGER: Final = re.compile(r"(?P<whole>[+-]?\d+(?:_\d+)*)(?:\.0+)?", re.ASCII)
_LONGEST_NUMBER: Final = 4000
"""Python reads no integer from a text that is somewhat longer."""

_NO_NUMBER: Final = "Input should be a valid number, unable to parse string as a number"
_ON: Final = frozenset({"1", "on", "t", "true", "y", "yes"})
_OFF: Final = frozenset({"0", "off", "f", "false", "n", "no"})


@dataclass(frozen=True, slots=True)
class Before:
    """Reads a value before its type is looked at."""

    read: Read


@dataclass(frozen=True, slots=True)
class After:
    """Checks a value of the right type, and gives what is to stand for it."""

    read: Read


def within(
    *, ge: float | None = None, gt: float | None = None, le: float | None = None, lt: float | None = None
) -> After:
    """Makes what keeps a number that is given within bounds."""

    def checked(value: float | None) -> float | None:
        for bound, holds, words in (
            (ge, operator.ge, "greater than or equal to"),
            (gt, operator.gt, "greater than"),
            (le, operator.le, "less than or equal to"),
            (lt, operator.lt, "less than"),
        ):
            if value is not None and bound is not None and not holds(value, bound):
                raise ValueError(f"Input should be {words} {bound}")
        return value

    return After(checked)


def _checked_finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("Input should be a finite number")
    return value


FINITE: Final = After(_checked_finite)
"""Keeps a number from being infinite, or none at all."""


def of_length(least: int) -> After:
    """Makes what keeps a text from being too short."""

    def checked(value: str) -> str:
        if len(value) < least:
            raise ValueError(f"String should have at least {least} character{'s' if least > 1 else ''}")
        return value

    return After(checked)


def declared(annotation: Any) -> tuple[Any, Sequence[Any]]:
    """Gives a type, and what stands beside it."""
    if get_origin(annotation) is Annotated:
        kind, *marks = get_args(annotation)
        return kind, marks
    return annotation, ()


def reader(annotation: Any) -> Read:
    """Makes what reads a value of a type."""
    kind, marks = declared(annotation)
    read = _reader_of_type(kind)
    for mark in marks:
        match mark:
            case Before():
                read = _one_after_other(mark.read, read)
            case After():
                read = _one_after_other(read, mark.read)
    return read


def _one_after_other(first: Read, second: Read) -> Read:
    return lambda value: second(first(value))


def _reader_of_type(kind: Any) -> Read:
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        [some] = [each for each in get_args(kind) if each is not NoneType]
        read = reader(some)
        return lambda value: None if value is None else read(value)
    if origin is Literal:
        return _reader_of_words(get_args(kind))
    return _READERS[origin or kind]


def _reader_of_words(words: tuple[str, ...]) -> Read:
    def read(value: object) -> object:
        if value not in words:
            *others, last = (repr(word) for word in words)
            raise ValueError(f"Input should be {', '.join(others)} or {last}")
        return value

    return read


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("Input should be a valid string")  # noqa: TRY004  (told to whoever set it, as all the others)
    return value


def _read_texts_by_name(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("Input should be a valid dictionary")  # noqa: TRY004  (as above)
    return {_read_text(name): _read_text(each) for name, each in value.items()}


def _read_switch(value: object) -> bool:
    match value:
        case bool():
            return value
        case str() if value.lower() in _ON | _OFF:
            return value.lower() in _ON
        case int() | float() if value in {0, 1}:
            return bool(value)
        case str() | int() | float():
            raise ValueError("Input should be a valid boolean, unable to interpret input")
        case _:
            raise ValueError("Input should be a valid boolean")


def _read_integer(value: object) -> int:
    match value:
        case str():
            match = _INTEGER.fullmatch(value.strip()) if len(value) <= _LONGEST_NUMBER else None
            if match is None:
                raise ValueError("Input should be a valid integer, unable to parse string as an integer")
            return int(match["whole"])
        case int():
            return int(value)
        case float() if value.is_integer():
            return int(value)
        case float() if math.isfinite(value):
            raise ValueError("Input should be a valid integer, got a number with a fractional part")
        case float():
            raise ValueError("Input should be a finite number")
        case _:
            raise ValueError("Input should be a valid integer")


def _read_number(value: object) -> float:
    match value:
        case str() if not value.isascii():
            raise ValueError(_NO_NUMBER)
        case str() | int() | float():
            try:
                return float(value)
            except (ValueError, OverflowError):
                raise ValueError(_NO_NUMBER) from None
        case _:
            raise ValueError("Input should be a valid number")


_READERS: Final[Mapping[Any, Read]] = {
    str: _read_text,
    bool: _read_switch,
    int: _read_integer,
    float: _read_number,
    dict: _read_texts_by_name,
}
