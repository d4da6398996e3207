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
from twinfront_server.adt.json_text import json_values
from twinfront_server.errors import invalid_argument, limit_reached
from twinfront_server.reasons import InvalidReason, Reason

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

MAX_MODEL_VALUES: Final = 50_000
"""Values in all models that are created together. 250 models of the published ontologies have some 7,000; to check one
takes some 10 µs."""

MAX_BATCH: Final = 1_000
"""Digital twins that are read or written together."""

MAX_MODELS: Final = 250
"""Models that are created together, or whose dependencies are listed: as many as the service takes."""

MAX_ITEMS: Final = 100_000
"""Items in one message of an import."""

MAX_UNREADABLE: Final = 10_000
"""Items of an import that cannot be read, beyond as many as can: with one more the stream ends."""

MAX_EMPTY: Final = 100_000
"""Fields and entries of a request that are empty: parsed they take up thirty times their two bytes."""

_EMPTY_FIELDS: Final = [bytes([number << 3 | 2, 0]) for number in range(1, 16)]
"""Bytes of an empty text or message on the wire: tag and length."""

_REASONS: Final[dict[str, InvalidReason]] = {
    "query": Reason.QUERY_INVALID,
    "page_token": Reason.PAGE_TOKEN_INVALID,
    "resume_token": Reason.PAGE_TOKEN_INVALID,
    "WatchRequest.resume_token": Reason.RESUME_TOKEN_INVALID,
}
"""Reasons of fields, of any request or of one, that are refused with one of their own, whatever is wrong with them."""


def require_at_most(
    count: int, most: int, field: str, what: str, *, reason: InvalidReason = Reason.INVALID_ARGUMENT
) -> None:
    """Refuses more than there may be of something in a field.

    Raises:
        TwinfrontError: INVALID_ARGUMENT with the given reason.
    """
    if count > most:
        raise invalid_argument(field, _too_many(count, most, what), reason=reason)


def require_batch(count: int, field: str) -> None:
    """Refuses a batch of none, or of more than there may be.

    Raises:
        TwinfrontError: INVALID_ARGUMENT.
    """
    if not count:
        raise invalid_argument(field, "is required")
    require_at_most(count, MAX_BATCH, field, "items")


def require_models(count: int, field: str) -> None:
    """Refuses more models than go together.

    Raises:
        TwinfrontError: LIMIT_REACHED.
    """
    if count > MAX_MODELS:
        raise limit_reached(field, f"{field} has {count} models and may have {MAX_MODELS}.")


def require_moderate_json(
    text: bytes, most: int, field: str, *, reason: InvalidReason = Reason.INVALID_ARGUMENT
) -> None:
    """Refuses JSON text that has more values than it may have, before it is parsed.

    Values are counted by the marks before them. Where such marks stand in strings they count as well.

    Raises:
        TwinfrontError: INVALID_ARGUMENT with the given reason.
    """
    if len(text) > most:
        require_at_most(json_values(text), most, field, "values", reason=reason)


class ValueCount:
    """Counts the values of what comes in parts, before any of them is looked at."""

    def __init__(self, most: int = MAX_VALUES) -> None:
        self._most = most
        self._count = 0

    def add(self, values: int) -> str | None:
        """Adds some; gives what is wrong once there are more than there may be."""
        self._count += values
        return _too_many(self._count, self._most, "values") if self._count > self._most else None


def require_moderate_expansion(data: bytes) -> None:
    """Refuses a request, before it is parsed, with more than `MAX_EMPTY` fields that are empty.

    Raises:
        TwinfrontError: INVALID_ARGUMENT.
    """
    if len(data) > 2 * MAX_EMPTY:
        require_at_most(sum(map(data.count, _EMPTY_FIELDS)), MAX_EMPTY, "request", "empty fields")


def require_little_waste(message: Message, received: int) -> None:
    """Refuses a request that came in more than twice the bytes that it has: it says the same things again and again.

    Of entries with the same key the last one counts, and yet all of them have taken up memory.

    Raises:
        TwinfrontError: INVALID_ARGUMENT.
    """
    kept = message.ByteSize()
    if kept < received // 2:
        raise invalid_argument("request", f"has {received} bytes, and {kept} without fields and keys that come again")


def require_moderate_texts(message: Message) -> None:
    """Refuses a request with a text of more than `MAX_TEXT`; lists, maps and values are left to those who read them.

    Raises:
        TwinfrontError: INVALID_ARGUMENT, or what else stands for the field.
    """
    for path, name, text in _texts(message, ""):
        if len(text) > MAX_TEXT:
            raise invalid_argument(path, _too_many(len(text), MAX_TEXT, "characters"), reason=_reason_of(message, name))


def _reason_of(message: Message, name: str) -> InvalidReason:
    of_any_request = _REASONS.get(name, Reason.INVALID_ARGUMENT)
    return _REASONS.get(f"{message.DESCRIPTOR.name}.{name}", of_any_request)


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
