"""Entity tags: `W/"` + a GUID + `"`, new with every write, and the preconditions that name them (RFC 9110, 13.1)."""

import re
import uuid

from localtwins import errors

ANY = "*"
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7E\x80-\xFF]*"')


def new_etag() -> str:
    """Make the etag of a new version."""
    return f'W/"{uuid.uuid4()}"'


def parse_if_match(value: str | None) -> str | None:
    """Give the etag that an If-Match header asks for: `*` or one entity tag, None without the header.

    Raises InvalidArgument for anything else.
    """
    if value is None or value == ANY or _ENTITY_TAG.fullmatch(value):
        return value
    raise errors.invalid_argument(
        f'The If-Match header must be * or one entity tag such as W/"guid", and not {value!r}.'
    )


def parse_if_none_match(value: str | None) -> bool:
    """Tell whether an If-None-Match header asks for creation only; the service takes no other value than `*`.

    Raises InvalidArgument for anything else.
    """
    if value is None:
        return False
    if value == ANY:
        return True
    raise errors.invalid_argument(f"The If-None-Match header must be *, and not {value!r}.")


def check_if_match(if_match: str | None, current: str) -> None:
    """Raise PreconditionFailed if the caller asks for another version than the current one."""
    if if_match is not None and if_match not in {current, ANY}:
        raise errors.etag_mismatch(if_match)
