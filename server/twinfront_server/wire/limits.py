"""How large requests may be: what is larger is refused before any work is done on it.

The rules of Azure Digital Twins are the upstream's to apply. These limits lie where nothing that keeps its rules comes:
a digital twin has 32 KiB, its strings 4 KiB, a name 1 KiB, a query 8,000 characters. They are there so that what no
upstream would take costs this server nothing.
"""

from collections.abc import Iterator
from typing import Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from twinfront.v1.value_pb2 import Value
from twinfront_server.errors import invalid_argument, limit_reached

MAX_NAME: Final = 2_048
"""Characters of an id or a name: as many as a DTMI that is referred to. Ids of twins are shorter, but how short is the
upstream's to say."""

MAX_REQUEST_ID: Final = 128
"""Characters of a `request_id`."""

MAX_TEXT: Final = 65_536
"""Characters of any other text: a query, a filter, a token, a condition, a URI."""

MAX_PATH: Final = 8_192
"""Characters of a path in a JSON Patch: eight names of the largest size."""

MAX_OPERATIONS: Final = 5_000
"""Operations of a JSON Patch. The service takes 32 KiB of them, some 1,200 of the shortest."""

MAX_VALUES: Final = 16_384
"""Values in a digital twin, a relationship, a merge, a JSON Patch or a telemetry message, inner ones included: 32 KiB
of JSON have no room for more."""

MAX_MODEL_VALUES: Final = 262_144
"""Values in a model. DTDL 3 allows 100,000 elements, and the service 1 MB."""

MAX_BATCH: Final = 1_000
"""Digital twins that are read or written together."""

MAX_MODELS: Final = 250
"""Models that are created together, or whose dependencies are listed: as many as the service takes."""

MAX_ITEMS: Final = 100_000
"""Items in one message of an import."""

MAX_UNREADABLE: Final = 10_000
"""Items of an import that cannot be read, beyond as many as can: with one more the stream ends."""

_MARKS: Final = b",[{"
"""Of these one stands before each value of a JSON text, or before its name."""

_REASONS: Final = {"query": "QUERY_INVALID", "page_token": "PAGE_TOKEN_INVALID", "resume_token": "PAGE_TOKEN_INVALID"}
"""Reasons of fields that are refused with one of their own, whatever is wrong with them."""


def require_at_most(count: int, most: int, field: str, what: str, *, reason: str = "INVALID_ARGUMENT") -> None:
    """Refuses more than there may be of something in a field.

    Raises:
        TwinfrontError: INVALID_ARGUMENT with the given reason.
    """
    if count > most:
        raise invalid_argument(field, _too_many(count, most, what), reason=reason)


def require_models(count: int, field: str) -> None:
    """Refuses more models than go together.

    Raises:
        TwinfrontError: LIMIT_REACHED.
    """
    if count > MAX_MODELS:
        raise limit_reached(field, f"{field} has {count} models and may have {MAX_MODELS}.")


def require_moderate_json(text: bytes, most: int, field: str, *, reason: str = "INVALID_ARGUMENT") -> None:
    """Refuses JSON text that has more values than it may have, before it is parsed.

    Values are counted by the marks before them. Where such marks stand in strings they count as well.

    Raises:
        TwinfrontError: INVALID_ARGUMENT with the given reason.
    """
    if len(text) > most:
        require_at_most(json_values(text), most, field, "values", reason=reason)


def json_values(text: bytes) -> int:
    """How many values a JSON text has at the most: it is not parsed."""
    return len(text) - len(text.translate(None, _MARKS))


class ValueCount:
    """Counts the values of a document that comes in parts, before any of them is looked at."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, values: int) -> str | None:
        """Adds some; gives what is wrong once there are more than `MAX_VALUES`."""
        self._count += values
        return _too_many(self._count, MAX_VALUES, "values") if self._count > MAX_VALUES else None


def require_moderate_texts(message: Message) -> None:
    """Refuses a request with a text of more than `MAX_TEXT`; lists, maps and values are left to those who read them.

    Raises:
        TwinfrontError: INVALID_ARGUMENT, or what else stands for the field.
    """
    for path, name, text in _texts(message, ""):
        require_at_most(len(text), MAX_TEXT, path, "characters", reason=_REASONS.get(name, "INVALID_ARGUMENT"))


def _texts(message: Message, prefix: str) -> Iterator[tuple[str, str, str]]:
    for field, value in message.ListFields():
        if field.is_repeated:
            continue
        if field.type == FieldDescriptor.TYPE_STRING:
            yield f"{prefix}{field.name}", field.name, value
        elif field.message_type is not None and field.message_type is not Value.DESCRIPTOR:
            yield from _texts(value, f"{prefix}{field.name}.")


def _too_many(count: int, most: int, what: str) -> str:
    return f"has {count} {what} and may have {most}"
