"""JSON Patch documents (RFC 6902), to and from `JsonPatchOperation` messages."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront_server.adt.body import Body
from twinfront_server.adt.json_text import json_values
from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.reasons import Reason
from twinfront_server.wire.json_field import parse_json
from twinfront_server.wire.limits import MAX_OPERATIONS, MAX_PATH, ValueCount, require_at_most
from twinfront_server.wire.value import fill_value, plain_value

_OPS: Final = {
    JsonPatchOperation.OP_ADD: "add",
    JsonPatchOperation.OP_REPLACE: "replace",
    JsonPatchOperation.OP_REMOVE: "remove",
}

_NUMBERS: Final = {name: number for number, name in _OPS.items()}

_REASON: Final = Reason.JSON_PATCH_INVALID

# The service takes a path without the leading slash too (page "Manage digital twins", component source times).
# Possessive, so that a long path leaves nothing to come back to.
_PATH: Final = re.compile(r"/?(?:[^/~]++|~[01])++(?:/(?:[^/~]++|~[01])++)*+")


def is_path(text: str) -> bool:
    """Tells whether a text of moderate length leads to a member, as the service reads paths."""
    return _PATH.fullmatch(text) is not None


def json_patch_body(patch: Sequence[JsonPatchOperation]) -> Body:
    """Makes the JSON Patch document to send for the operations that a caller wants applied.

    Raises:
        TwinfrontError: JSON_PATCH_INVALID with the path of the field (`patch[2].path`) for an operation without op,
            with a malformed path, or without a value, and for too many; INVALID_ARGUMENT for a value that JSON cannot
            say.
    """
    require_at_most(len(patch), MAX_OPERATIONS, "patch", "operations", reason=_REASON)
    count = ValueCount()
    operations = [_operation(operation, f"patch[{index}]", count) for index, operation in enumerate(patch)]
    return Body(orjson.dumps(operations), "patch", items=[operation.path for operation in patch])


def fill_json_patch(messages: Any, patch: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Adds the operations of a JSON Patch to an empty list of `JsonPatchOperation`, with values as JSON if wanted."""
    for operation in patch:
        message = messages.add(op=_NUMBERS[operation["op"]], path=operation["path"])
        if "value" in operation and as_json:
            message.value_json = orjson.dumps(operation["value"])
        elif "value" in operation:
            fill_value(message.value, operation["value"])


def _operation(operation: JsonPatchOperation, field: str, count: ValueCount) -> dict[str, Any]:
    op, path = _OPS.get(operation.op), operation.path
    if op is None:
        raise _invalid(f"{field}.op", "must be OP_ADD, OP_REPLACE or OP_REMOVE")
    require_at_most(len(path), MAX_PATH, f"{field}.path", "characters", reason=_REASON)
    if not is_path(path):
        raise _invalid(f"{field}.path", "is not a JSON Pointer to a member, such as /temperature (RFC 6901)")
    if op == "remove":
        return {"op": op, "path": path}
    return {"op": op, "path": path, "value": _value(operation, field, count)}


def _value(operation: JsonPatchOperation, field: str, count: ValueCount) -> Any:
    if operation.value_json:
        if operation.HasField("value"):
            raise _invalid(f"{field}.value_json", "must be empty when value is set")
        problem = count.add(json_values(operation.value_json))
        if problem is not None:
            raise _invalid(f"{field}.value_json", problem)
        parse_json(operation.value_json, f"{field}.value_json", reason=_REASON)
        return orjson.Fragment(operation.value_json)
    if not operation.HasField("value"):
        raise _invalid(f"{field}.value", "is required for OP_ADD and OP_REPLACE")
    return plain_value(operation.value, f"{field}.value", count)


def _invalid(field: str, description: str) -> TwinfrontError:
    return invalid_argument(field, description, reason=_REASON)
