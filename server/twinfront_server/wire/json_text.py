"""JSON text: what callers send as `bytes`, and what the upstream answers."""

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from twinfront_server.errors import invalid_argument, upstream_unreadable
from twinfront_server.wire.limits import MAX_VALUES, require_moderate_json

_LONG_INTEGER: Final = re.compile(rb"[0-9]{19}")
_LARGEST_INTEGER: Final = 2**63 - 1


def parse_json(text: bytes, field: str, *, reason: str = "INVALID_ARGUMENT", max_values: int = MAX_VALUES) -> Any:
    """The parsed JSON of a request field.

    Raises:
        TwinfrontError: INVALID_ARGUMENT with the given reason if the text is no JSON (RFC 8259), which has neither
            NaN nor comments; if it has too many values.
    """
    require_moderate_json(text, max_values, field, reason=reason)
    try:
        return _loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid_argument(field, f"is not JSON: {error}", reason=reason) from None


def parse_json_object(text: bytes, field: str) -> dict[str, Any]:
    """The parsed JSON of a request field that has to be an object."""
    document = parse_json(text, field)
    if not isinstance(document, dict):
        raise invalid_argument(field, "must be a JSON object")
    return document


def parse_answer(body: bytes) -> Any:
    """The parsed JSON of a body that the upstream answered.

    Raises:
        TwinfrontError: UPSTREAM_UNAVAILABLE if it is no JSON: on its way something happened to it.
    """
    try:
        return _loads(body)
    except orjson.JSONDecodeError as error:
        raise upstream_unreadable() from error


def require_moderate_depth(document: Any, field: str) -> None:
    """Refuses a request's JSON that is nested deeper than what can be written again, some 250 levels.

    Raises:
        TwinfrontError: INVALID_ARGUMENT.
    """
    try:
        # Its parts will stand in an operation of a list of operations.
        orjson.dumps([[document]])
    except orjson.JSONEncodeError:
        raise invalid_argument(field, "is nested too deeply") from None


def _loads(text: bytes) -> Any:
    """The parsed JSON, in which an integer beyond 64 bits is the double that its text is."""
    document = orjson.loads(text)
    if _LONG_INTEGER.search(text):
        _make_doubles(document)
    return document


def _make_doubles(document: Any) -> None:
    """Replaces integers beyond 64 bits inside a document; orjson has made doubles of those beyond 2^64."""
    if type(document) is dict:
        members: Iterable[tuple[Any, Any]] = document.items()
    elif type(document) is list:
        members = enumerate(document)
    else:
        return
    for key, member in members:
        if type(member) is int:
            if member > _LARGEST_INTEGER:
                document[key] = float(member)
        else:
            _make_doubles(member)
