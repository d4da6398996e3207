"""Continuation tokens: the query and the place up to which its rows have been answered.

A token is opaque to clients. Its checksum tells damage from a place that the service gave out; it is no secret, for a
caller could only make up what it may ask for anyway.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

import orjson

from localtwins.query.errors import continuation_token_invalid
from localtwins.query.parameters import SqlValue

_CHECKSUM_BYTES: Final = 8
_PERSON: Final = b"localtwins query"


@dataclass(frozen=True, slots=True)
class Position:
    """Names a place between two pages: the query, the keys of the last row answered, and the number of rows so far."""

    query: str
    keys: tuple[SqlValue, ...]
    answered: int


def write_token(position: Position) -> str:
    """Gives the token for a position."""
    payload = orjson.dumps([position.query, position.keys, position.answered])
    return base64.urlsafe_b64encode(_checksum(payload) + payload).decode()


def read_token(token: object) -> Position:
    """Gives the position that a token stands for.

    Raises:
        AdtError: BadRequest for a token that `write_token` did not give.
    """
    if not isinstance(token, str):
        raise continuation_token_invalid()
    try:
        content = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise continuation_token_invalid() from None
    checksum, payload = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if checksum != _checksum(payload):
        raise continuation_token_invalid()
    query, keys, answered = orjson.loads(payload)
    return Position(query, tuple(keys), answered)


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_CHECKSUM_BYTES, person=_PERSON).digest()
