"""JSON Patch (RFC 6902) as the service takes it: `add`, `replace` and `remove`.

This is the part that twins, components and relationships share: reading a patch document and changing a JSON value at
a JSON Pointer (RFC 6901). Each of them decides which paths may be changed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from localtwins import errors, limits

_OPERATIONS: Final = frozenset({"add", "replace", "remove"})
_ARRAY_INDEX: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_END: Final = "-"
"""The array index behind the last element."""
_BAD_ESCAPE: Final = re.compile(r"~(?![01])")


@dataclass(slots=True)  # not frozen, which takes longer to make: each patch has some
class Operation:
    """Holds one operation.

    Attributes:
        path: as in error messages, with its leading slash.
        tokens: the segments of the path, unescaped.
    """

    op: str
    path: str
    tokens: tuple[str, ...]
    value: Any = None


def parse_operations(document: Sequence[dict[str, Any]], component: str | None = None) -> list[Operation]:
    """Reads the operations of a patch document, with paths that start at the twin.

    Args:
        document: the operations as parsed JSON.
        component: the name that stands before all paths of a component's patch.

    Raises:
        AdtError: JsonPatchInvalid.
    """
    return [_parse(operation, component) for operation in document]


def _parse(operation: dict[str, Any], component: str | None) -> Operation:
    op = operation.get("op")
    if not op:
        raise errors.json_patch_invalid("Parameter op must not be empty.")
    if type(op) is not str or op not in _OPERATIONS:
        raise errors.json_patch_invalid(f"Unsupported operation type {op}.")
    path = operation.get("path")
    if type(path) is not str or path in {"", "/"}:
        raise errors.json_patch_invalid("Parameter path must not be empty.")
    if op != "remove" and "value" not in operation:
        raise errors.json_patch_invalid(f"Parameter value must not be missing in operation {op} of {path}.")
    if len(path) > limits.PATCH_PATH_LENGTH:
        message = f"A path of {len(path)} characters is longer than the {limits.PATCH_PATH_LENGTH} that it may have."
        raise errors.json_patch_invalid(message)
    if not path.startswith("/"):  # the service's documentation writes component metadata paths without it
        path = f"/{path}"
    if _BAD_ESCAPE.search(path):
        raise errors.json_patch_invalid(f"The path {path} has a ~ that is not followed by 0 or 1.")
    if component is not None:
        path = f"/{component.replace('~', '~0').replace('/', '~1')}{path}"
    tokens = path[1:].split("/")
    if "~" in path:
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in tokens]
    return Operation(op, path, tuple(tokens), operation.get("value"))


def apply_at(parent: dict[str, Any], tokens: Sequence[str], operation: Operation) -> None:
    """Changes the value that `tokens` lead to from `parent` as the operation says.

    Raises:
        AdtError: JsonPatchInvalid if the way there, or for `replace` and `remove` the place itself, does not exist.
    """
    holder: Any = parent
    for token in tokens[:-1]:
        if type(holder) is dict and token in holder:
            holder = holder[token]
        elif type(holder) is list:
            holder = holder[_index(holder, token, len(holder) - 1)]
        else:
            raise errors.json_patch_invalid(f"{operation.path} was not found.")
    last = tokens[-1]
    if type(holder) is dict:
        _apply_to_object(holder, last, operation)
    elif type(holder) is list:
        _apply_to_array(holder, last, operation)
    else:
        raise errors.json_patch_invalid(f"{operation.path} was not found.")


def _apply_to_object(holder: dict[str, Any], name: str, operation: Operation) -> None:
    if operation.op != "add" and name not in holder:
        raise not_found(name)
    if operation.op == "remove":
        del holder[name]
    else:
        holder[name] = _own(operation.value)


def _apply_to_array(holder: list[Any], token: str, operation: Operation) -> None:
    if operation.op == "add":
        index = len(holder) if token == _END else _index(holder, token, len(holder))
        holder.insert(index, _own(operation.value))
        return
    index = _index(holder, token, len(holder) - 1)
    if operation.op == "remove":
        del holder[index]
    else:
        holder[index] = _own(operation.value)


def _index(holder: list[Any], token: str, last: int) -> int:
    if not _ARRAY_INDEX.fullmatch(token):
        raise errors.json_patch_invalid(f"The path segment '{token}' is invalid for an array index.")
    if len(token) > len(str(len(holder))) or int(token) > last:
        raise errors.json_patch_invalid(
            f"The index value provided by path segment '{token}' is out of bounds of the array size."
        )
    return int(token)


def _own(value: Any) -> Any:
    """Gives a value that later operations may change without changing the patch, which may have to be applied again."""
    return orjson.loads(orjson.dumps(value)) if isinstance(value, (dict, list)) else value


def not_found(segment: str) -> errors.AdtError:
    """Makes the error of a path whose last segment leads nowhere."""
    return errors.json_patch_invalid(f"The target location specified by path segment '{segment}' was not found.")
