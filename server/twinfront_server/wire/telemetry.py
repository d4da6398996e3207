"""Telemetry: what a caller wants published, as the service takes it."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from twinfront_server.adt.body import Body
from twinfront_server.errors import invalid_argument
from twinfront_server.wire.json_field import parse_json
from twinfront_server.wire.timestamp import timestamp_text
from twinfront_server.wire.value import plain_value

_MESSAGE_ID: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?")
"""Texts that can be an HTTP header as they are (RFC 9110, section 5.5), of a length that no receiver minds."""


def telemetry_body(request: Any) -> Body:
    """Makes the JSON to send for the payload of a request.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if there is none, in both forms, or one that JSON cannot say.
    """
    if request.payload_json:
        if request.HasField("payload"):
            raise invalid_argument("payload_json", "must be empty when payload is set")
        parse_json(request.payload_json, "payload_json")
        return Body(request.payload_json, "payload_json")
    if not request.HasField("payload"):
        raise invalid_argument("payload", "is required, or payload_json")
    return Body(orjson.dumps(plain_value(request.payload, "payload")), "payload")


def message_id(text: str) -> str:
    """Gives the message's id; a new UUID if the caller gave none.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for one that no header can carry.
    """
    if not text:
        return str(uuid.uuid4())
    if not _MESSAGE_ID.fullmatch(text):
        raise invalid_argument("message_id", "must be 1 to 256 visible characters of ASCII, with spaces only inside")
    return text


def source_time(request: Any) -> str:
    """Gives the time at which the content was observed; now if the request does not say.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a time that there is not.
    """
    if not request.HasField("source_time"):
        return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    try:
        return timestamp_text(request.source_time)
    except ValueError:
        message = "is not a time between the years 1 and 9999, with nanos from 0 to 999999999"
        raise invalid_argument("source_time", message) from None
