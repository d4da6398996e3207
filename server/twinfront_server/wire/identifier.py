"""Ids, names and conditions of requests."""

import re
from typing import Final

from twinfront_server.errors import invalid_argument
from twinfront_server.wire.limits import MAX_NAME, MAX_REQUEST_ID, require_at_most

_ENTITY_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,256}"')
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def required_id(text: str, field: str) -> str:
    """Checks an id or a name that becomes a segment of the upstream's URL.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if it is empty, has control characters, is longer than any id, or is `.` or
            `..`, which URLs give a meaning of their own (RFC 3986, section 5.2.4). All other rules are the upstream's.
    """
    if not text:
        raise invalid_argument(field, "is required")
    require_at_most(len(text), MAX_NAME, field, "characters")
    if text in {".", ".."}:
        raise invalid_argument(field, "must not be . or ..")
    if _CONTROL.search(text):
        raise invalid_argument(field, "has control characters")
    return text


def request_id(text: str) -> str:
    """Checks `request_id`, the id under which a repeated write is known; empty for a write without one.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if it is longer than 128 characters or has control characters.
    """
    require_at_most(len(text), MAX_REQUEST_ID, "request_id", "characters")
    if _CONTROL.search(text):
        raise invalid_argument("request_id", "has control characters")
    return text


def required_header_id(text: str, field: str) -> str:
    """Checks an id that becomes a header field of the upstream's request; raises as `required_id`, and beyond ASCII."""
    if not text.isascii() or text != text.strip():
        raise invalid_argument(field, "must be of ASCII, without spaces around it")
    return required_id(text, field)


def if_match(text: str) -> str:
    """Checks the condition `if_match`: empty, `*` or an entity tag (RFC 9110, section 8.8.3).

    Raises:
        TwinfrontError: INVALID_ARGUMENT for anything else.
    """
    if text in {"", "*"} or _ENTITY_TAG.fullmatch(text):
        return text
    raise invalid_argument(
        "if_match", 'must be * or an etag as it was answered, such as W/"e59ce8f5-…", quotes included'
    )


def if_none_match(text: str) -> bool:
    """Checks the condition `if_none_match`, and tells whether the resource must not exist.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for anything but nothing and `*`.
    """
    if text not in {"", "*"}:
        raise invalid_argument("if_none_match", "must be empty or *")
    return text == "*"
