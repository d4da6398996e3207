"""Cuts long refusals of an upstream before the SDK reads them.

A refusal quotes what it refuses, and may list as many problems as a caller can put into 4 MB. The SDK parses it twice,
makes an object of each problem and a text of them all; so a long one is cut before the SDK has it.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import orjson
from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse

from twinfront_server.errors import MAX_LISTED

MAX_MESSAGE: Final = 2048
"""Characters of one text that are looked at, four times what a status tells of it."""

_MAX_BODY: Final = 1 << 12


def check_length(response: AsyncHttpResponse) -> None:
    """Raises what the SDK would raise for a refusal that is too long for it, with as much of it as is told."""
    if len(response.content) > _MAX_BODY:
        raise HttpResponseError(response=cast("Any", _ShortenedResponse(response)))


class _ShortenedResponse:
    """As much of a response as an `HttpResponseError` looks at."""

    def __init__(self, response: AsyncHttpResponse) -> None:
        self.status_code = response.status_code
        self.reason = response.reason
        self.headers: Mapping[str, str] = response.headers
        self.content = _shortened(response.content)

    def text(self) -> str:
        return self.content.decode()


def _shortened(body: bytes) -> bytes:
    """Cuts the texts of a refusal and its list of problems; leaves nothing of a body of another form."""
    try:
        error = orjson.loads(body)["error"]
        details = error.get("details")
        listed = [each for each in details if isinstance(each, dict)][:MAX_LISTED] if isinstance(details, list) else []
        return orjson.dumps({"error": {**_texts(error), "details": [_texts(each) for each in listed]}})
    except (AttributeError, KeyError, TypeError, ValueError):
        return b""


def _texts(error: Mapping[str, Any]) -> dict[str, str]:
    return {name: value[:MAX_MESSAGE] for name in ("code", "message") if isinstance(value := error.get(name), str)}
