"""JSON Patch documents (RFC 6902), put together step by step or given as they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self, TypeAlias, overload

from twinfront import _json
from twinfront._timestamps import Timestamp, timestamp_text
from twinfront.v1.json_patch_pb2 import JsonPatchOperation

Path: TypeAlias = str | Sequence[str | int]
"""A JSON Pointer (`"/address/city"`), or its unescaped segments (`("address", "city")`)."""

_OPS: Final = {
    "add": JsonPatchOperation.OP_ADD,
    "replace": JsonPatchOperation.OP_REPLACE,
    "remove": JsonPatchOperation.OP_REMOVE,
}


class Patch(Sequence[dict[str, Any]]):
    """A JSON Patch document: `patch().replace("/temperature", 22).remove("/comment")`.

    Each step adds an operation and returns the patch itself. As a sequence it holds the operations in the form of RFC
    6902, `{"op": "replace", "path": "/temperature", "value": 22}`. Paths are JSON Pointers, in which `~1` stands for
    `/` and `~0` for `~` in a name, or sequences of plain names: `("a/b", "c")` is `/a~1b/c`. The service applies all
    operations or none.
    """

    __slots__ = ("_operations",)

    def __init__(self, operations: Iterable[Mapping[str, Any]] = ()) -> None:
        self._operations = [dict(operation) for operation in operations]

    def add(self, path: Path, value: object) -> Self:
        """Sets a value, whether or not there was one; each object on the way to it has to exist."""
        return self._append(op="add", path=pointer(path), value=value)

    def replace(self, path: Path, value: object) -> Self:
        """Replaces a value that exists."""
        return self._append(op="replace", path=pointer(path), value=value)

    def remove(self, path: Path) -> Self:
        """Removes a value that exists."""
        return self._append(op="remove", path=pointer(path))

    def migrate(self, model_id: str) -> Self:
        """Makes the twin one of another model, of which it has to be valid after the whole patch."""
        return self.replace("/$metadata/$model", model_id)

    def source_time(
        self, property_name: str, when: datetime | Timestamp | str, *, component: str | None = None
    ) -> Self:
        """Records when the property's value was observed in the real world.

        Args:
            property_name: The property's plain name.
            when: An aware `datetime`, a Timestamp, or ISO 8601 text, which is sent as it is.
            component: The component that has the property, when a twin is patched. Not with `update_component`, whose
                paths start at the component.

        Raises:
            ValueError: `when` has no time zone.
        """
        within = () if component is None else (component,)
        return self.replace((*within, "$metadata", property_name, "sourceTime"), timestamp_text(when))

    def _append(self, **operation: object) -> Self:
        self._operations.append(operation)
        return self

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._operations[index]

    def __len__(self) -> int:
        return len(self._operations)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._operations)

    def __eq__(self, other: object) -> bool:
        return self._operations == (other._operations if isinstance(other, Patch) else other)

    __hash__ = None  # type: ignore[assignment]  # a patch can grow

    def __repr__(self) -> str:
        return f"Patch({self._operations!r})"


def patch() -> Patch:
    """Makes an empty patch to add to: `patch().replace("/temperature", 22)`."""
    return Patch()


def pointer(path: Path) -> str:
    """Makes the JSON Pointer to `path`; ValueError if a text does not start with `/`."""
    if not isinstance(path, str):
        return "".join(f"/{_json.escape(segment)}" for segment in path)
    if not path.startswith("/"):
        raise ValueError(f"a path starts with '/': '/{path}'")
    return path


def patch_operations(operations: Iterable[Mapping[str, Any]]) -> list[JsonPatchOperation]:
    """Makes the operations as they are sent.

    Raises:
        ValueError: An unknown `op`, or a value that JSON cannot hold.
        TypeError: An operation that is no mapping, or a path that is no text.
    """
    if isinstance(operations, str | Mapping):
        raise TypeError("patch is a list of operations: put the one in brackets, or use patch()")
    return [_operation(operation, f"patch[{index}]") for index, operation in enumerate(operations)]


def _operation(operation: Mapping[str, Any], where: str) -> JsonPatchOperation:
    if not isinstance(operation, Mapping):
        raise TypeError(f"{where} is a {type(operation).__name__}, and not a mapping with `op` and `path`")
    op, path = operation.get("op"), operation.get("path")
    if not isinstance(op, str) or op not in _OPS:
        raise ValueError(f"{where}.op is {op!r}, and not one of 'add', 'replace', 'remove'")
    if not isinstance(path, str):
        raise TypeError(f"{where}.path is {path!r}, and not a JSON Pointer")
    message = JsonPatchOperation(op=_OPS[op], path=path)
    if op != "remove":
        if "value" not in operation:
            raise ValueError(f"{where}.value is missing")
        message.value_json = _json.dump(operation["value"], f"{where}.value")
    return message
