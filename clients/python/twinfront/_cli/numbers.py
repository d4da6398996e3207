"""Numbers on the command line, and in what it prints."""

from argparse import ArgumentTypeError
from math import inf


def count(text: str) -> int:
    """Reads a whole number from 1; ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def counted(number: int, name: str) -> str:
    """Writes a number of things: `1 twin`, `2 twins`."""
    return f"{number} {name}" + ("" if number == 1 else "s")


def seconds(text: str) -> float:
    """Reads a finite time above 0; ArgumentTypeError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number
