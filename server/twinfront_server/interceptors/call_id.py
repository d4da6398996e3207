"""Gives each call an id: the caller's, if it sent a sane one, else one made here."""

import random
from collections.abc import Iterable
from typing import Final

from twinfront_server.call import CALL_ID_KEY

_KEYS: Final = frozenset({CALL_ID_KEY, "x-request-id"})
_MAX_LENGTH: Final = 128


def call_id(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Reads the id under `twinfront-call-id` or `x-request-id`, whichever comes first; else makes 16 random hex digits.

    An id that is empty, longer than 128 characters or not printable ASCII is replaced: it goes into logs and trailers.
    """
    for key, value in metadata:
        if key in _KEYS and isinstance(value, str) and _is_sane(value):
            return value
    # Nobody gains by guessing one, and a system call for each would be felt.
    return f"{random.getrandbits(64):016x}"


def _is_sane(value: str) -> bool:
    return 0 < len(value) <= _MAX_LENGTH and value.isascii() and value.isprintable()
