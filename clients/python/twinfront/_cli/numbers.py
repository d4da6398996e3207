"""Numbers on the command line."""

from argparse import ArgumentTypeError
from math import inf


def count(text: str) -> int:
    """A whole number from 1; ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def seconds(text: str) -> float:
    """A finite time above 0; ArgumentTypeError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number
