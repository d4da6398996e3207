"""Entity tags: `W/"` + a GUID + `"`, new with every write, and the preconditions that name them (RFC 9110, 13.1)."""

import os
import re
from typing import Final

from localtwins import errors

ANY: Final = "*"
_VARIANTS: Final = "89ab"
"""With a 4 for its version these make a GUID one of random digits (RFC 9562)."""
_ITEM: Final = re.compile(r'[ \t]*((?:W/)?"[\x21\x23-\x7E\x80-\xFF]*")[ \t]*(,|\Z)')


def new_etag() -> str:
    """Makes the etag of a new version, in half the time that `uuid.uuid4` takes."""
    digits = os.urandom(16).hex()
    variant = _VARIANTS[int(digits[16], 16) % 4]
    return f'W/"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"'


def parse_if_match(value: str | None) -> str | None:
    """Checks an If-Match header: `*`, or etags with commas between, of which one has to match; None without the header.

    Raises:
        AdtError: InvalidArgument for anything else.
    """
    if value is None or value == ANY or _entity_tags(value):
        return value
    raise errors.if_match_invalid()


def parse_if_none_match(value: str | None) -> bool:
    """Tells whether an If-None-Match header asks for creation only; the service takes no other value than `*`.

    Raises:
        AdtError: InvalidArgument for anything else.
    """
    if value is None:
        return False
    if value == ANY:
        return True
    raise errors.if_none_match_invalid()


def check_if_match(if_match: str | None, current: str) -> None:
    """Refuses a write whose caller asks for other versions than the current one.

    Raises:
        AdtError: PreconditionFailed.
    """
    if if_match is not None and if_match not in {current, ANY} and current not in _entity_tags(if_match):
        raise errors.etag_mismatch(if_match)


def _entity_tags(value: str) -> list[str]:
    """Gives the etags of a list; none if it is no such list."""
    tags = []
    position, comma = 0, ","
    while comma:
        item = _ITEM.match(value, position)
        if item is None:
            return []
        tags.append(item[1])
        position, comma = item.end(), item[2]
    return tags
