"""Pages: opaque continuation tokens and absolute links to the next page."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from localtwins import errors
from localtwins.rest.call import Call

MODELS_PAGE: Final = 100
RELATIONSHIPS_PAGE: Final = 10
JOBS_PAGE: Final = 100
_INT64: Final = range(-(2**63), 2**63)


def page_size(call: Call, default: int) -> int:
    """Gives the size that the header max-items-per-page asks for, at most the `default`.

    Raises:
        AdtError: InvalidArgument for anything but a positive number.
    """
    value = call.header("max-items-per-page")
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and value.strip("0")):
        raise errors.invalid_argument(f"The header max-items-per-page must be a positive integer, and not {value!r}.")
    return default if len(value) > len(str(default)) else min(int(value), default)


def read_token(call: Call, form: Sequence[type]) -> list[Any] | None:
    """Gives the values in the continuation token, of the types in `form`; None on the first page.

    Raises:
        AdtError: InvalidArgument for a token that the service did not give.
    """
    token = call.parameter("continuationtoken")
    if token is None:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        values = None
    if type(values) is not list or [type(value) for value in values] != list(form) or _beyond_int64(values):
        raise errors.invalid_argument("The continuationToken is not one that this service gave out.")
    return values


def _beyond_int64(values: list[Any]) -> bool:
    return any(type(value) is int and value not in _INT64 for value in values)


def next_link(call: Call, path: str, token: Sequence[object], parameters: Mapping[str, object] | None = None) -> str:
    """Gives the link to the next page, with api-version last as the service has it (recorded)."""
    text = base64.urlsafe_b64encode(orjson.dumps(token)).decode()
    query = {**(parameters or {}), "continuationToken": text, "api-version": call.api_version}
    return f"{call.request.base_url}{path}?{urlencode(query, doseq=True, quote_via=quote)}"
