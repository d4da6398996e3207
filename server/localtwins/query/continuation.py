"""Continuation tokens: the query and how far its rows have been answered.

A token is opaque to clients. Its checksum tells damage from a place that the service gave out; it is no secret, for a
caller could only make up what it may ask for anyway.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

import orjson

from localtwins.query.errors import continuation_token_invalid
from localtwins.query.parameters import SqlValue

_CHECKSUM_BYTES = 8
_PERSON = b"localtwins query"


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two pages: the query, the keys of the last row answered, and how many rows have been."""

    query: str
    keys: tuple[SqlValue, ...]
    answered: int


def write_token(position: Position) -> str:
    """Give the token for a position."""
    payload = orjson.dumps([position.query, position.keys, position.answered])
    return base64.urlsafe_b64encode(_checksum(payload) + payload).decode()


def read_token(token: object) -> Position:
    """Give the position that a token stands for. Raises BadRequest for what `write_token` did not give."""
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
