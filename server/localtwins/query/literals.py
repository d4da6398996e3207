"""The literals in the text of a query, and its shape: the text with other literals in their places.

    take_literals("SELECT * FROM DIGITALTWINS T WHERE T.name = 'Hall' AND T.floor > 2")
    → "SELECT * FROM DIGITALTWINS T WHERE T.name = '' AND T.floor > -0e0", ["Hall", 2]

A shape is a query itself, and the parser reads a text and its shape alike but for the values: a literal is taken out as
the whole token that the parser takes it for, and what stands for it neither merges with its neighbours nor is read as
anything else there. So queries that differ in nothing but such values are compiled once.

This reads texts that may be no queries at all, in a time that grows with their length alone.
"""

import re
from typing import Final

_STRING: Final = "''"
_NUMBER: Final = "-0e0"

_TAKEN: Final = re.compile(
    r"""
      ('(?:[^'\\]|\\[\s\S])*')                                  # a string
    | ((?:-|(?<![\w$-]))[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)  # a number, and not the end of a name
    | ( '[\s\S]*                                                # a string that does not end, and with it all the rest
      | \[\[(?:(?!\]\])[^\x00])*                                # an escaped name, which is not looked into
      | \*\s*[0-9]+(?:\s*\.\.\s*[0-9]+)? | \*\s*\.\.\s*[0-9]+   # hops
      | [tT][oO][pP]\s*\(\s*[0-9]+
      )
    """,
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(['\\])")
"""A backslash before anything else is one: paths of Windows are written as they are."""
_INT64: Final = range(-(2**63), 2**63)


def string_value(token: str) -> str:
    """Gives the value of a string as it is written in a query."""
    return _ESCAPE.sub(r"\1", token[1:-1])


def number_value(token: str) -> int | float:
    """Gives the value of a number as it is written in a query."""
    if token.lstrip("-").isdigit() and len(token) <= len(str(_INT64.start)) and int(token) in _INT64:
        return int(token)
    return float(token)


def take_literals(text: str) -> tuple[str, list[str | int | float]]:
    """Gives the shape of a query, and the values of the strings and numbers that are taken out."""
    values: list[str | int | float] = []
    pieces = _TAKEN.split(text)
    for at in range(1, len(pieces), 4):
        string, number = pieces[at], pieces[at + 1]
        if string is not None:
            values.append(string_value(string))
            pieces[at], pieces[at + 1], pieces[at + 2] = _STRING, "", ""
        elif number is not None:
            values.append(number_value(number))
            pieces[at], pieces[at + 1], pieces[at + 2] = "", _NUMBER, ""
        else:
            pieces[at], pieces[at + 1] = "", ""
    return "".join(pieces), values


def starts_of_literals(shape: str) -> list[int]:
    """Gives the places of the literals in a shape, each as the number of characters before it."""
    return [found.start() for found in _TAKEN.finditer(shape) if found[1] is not None or found[2] is not None]
