"""JSON text that callers send as `bytes`."""

from typing import Any

import orjson

from twinfront_server.adt.json_text import loads
from twinfront_server.errors import invalid_argument
from twinfront_server.reasons import InvalidReason, Reason
from twinfront_server.wire.limits import MAX_VALUES, require_moderate_json


def parse_json(
    text: bytes, field: str, *, reason: InvalidReason = Reason.INVALID_ARGUMENT, max_values: int = MAX_VALUES
) -> Any:
    """Parses the JSON of a request field.

    Raises:
        TwinfrontError: INVALID_ARGUMENT with the given reason if the text is no JSON (RFC 8259), which has neither
            NaN nor comments; if it has too many values.
    """
    require_moderate_json(text, max_values, field, reason=reason)
    try:
        return loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid_argument(field, f"is not JSON: {error}", reason=reason) from None


def parse_json_object(text: bytes, field: str) -> dict[str, Any]:
    """Parses the JSON of a request field that has to be an object."""
    document = parse_json(text, field)
    if not isinstance(document, dict):
        raise invalid_argument(field, "must be a JSON object")
    return document


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
