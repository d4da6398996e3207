"""Reads an answer of the upstream that says no."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
from azure.core.exceptions import HttpResponseError, ODataV4Format

from twinfront_server.errors import MAX_LISTED
from twinfront_server.upstream.sdk.long_refusals import MAX_MESSAGE
from twinfront_server.upstream.sdk.pipeline import retry_after
from twinfront_server.upstream.sdk.refused_writes import REFUSES_WRITES_HEADER

UNCHANGED_HEADER: Final = "localtwins-unchanged"
"""In the answer of a server that failed: its promise that the write changed nothing. Azure Digital Twins makes none."""

_SENTENCE_GAP: Final = re.compile(r"(?<=[.!?])\s+")
_POINTERS: Final = ("See ", "Please check", "Check ")
_LINKS: Final = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of the upstream that says no.

    Its texts quote the caller, who may have written anything: they are cut to `MAX_MESSAGE` before they are looked at.

    Attributes:
        status: the HTTP status.
        code: what the service calls the error; empty if it does not say.
        message: the service's message.
        details: the messages of the single problems, the first ones.
        text: message and details in one, without the pointers to the service's own documentation.
        retry_after: the seconds of the header of that name.
        throttled_twin: of a 429 on account of one twin, which may be the other end of a relationship, its id.
        unchanged: whether the answer itself promises that nothing was changed.
        refuses_writes: whether the answer says that no write is taken for now.
    """

    status: int
    code: str
    message: str
    details: Sequence[str]
    text: str = ""
    retry_after: float | None = None
    throttled_twin: str = ""
    unchanged: bool = False
    refuses_writes: bool = False


def read_refusal(error: HttpResponseError) -> Refusal:
    """Reads what the service says in an exception of the SDK."""
    response: Any = error.response
    odata: Any = error.error or _encoded_twice(response)
    headers: Mapping[str, str] = response.headers if response is not None else {}
    listed = [_text(detail.message) for detail in (odata and odata.details) or ()]
    message = _text(odata and odata.message) or _text(error.reason)
    details = list(filter(None, listed))[:MAX_LISTED]
    return Refusal(
        status=error.status_code or 0,
        code=_text(odata and odata.code),
        message=message,
        details=details,
        text=_told(message, details),
        retry_after=retry_after(headers),
        throttled_twin=_throttled_twin(response) if error.status_code == HTTPStatus.TOO_MANY_REQUESTS else "",
        unchanged=headers.get(UNCHANGED_HEADER) == "true",
        refuses_writes=headers.get(REFUSES_WRITES_HEADER) == "true",
    )


def _told(message: str, details: Sequence[str]) -> str:
    message = _without_pointers(message)
    return f"{message.rstrip('.')}: {' '.join(details)}" if details else message


def _without_pointers(message: str) -> str:
    """Cuts a message before the sentence that points to the service's own documentation."""
    message = message.partition(" See samples in http")[0]
    told: list[str] = []
    for sentence in _SENTENCE_GAP.split(message):
        if told and sentence.startswith(_POINTERS) and any(link in sentence for link in _LINKS):
            break
        told.append(sentence)
    return " ".join(told).strip()


def _encoded_twice(response: Any) -> ODataV4Format | None:
    """Reads the error in the refusal of a second job: a JSON string that holds the JSON of the error (recorded)."""
    try:
        return ODataV4Format(orjson.loads(orjson.loads(response.content))["error"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _throttled_twin(response: Any) -> str:
    """Reads the id that a 429 on account of a twin has beside code and message (recorded)."""
    try:
        return _text(orjson.loads(response.content)["error"]["twinId"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""


def _text(value: object) -> str:
    return value[:MAX_MESSAGE] if isinstance(value, str) else ""
