"""`Value` messages to and from plain Python values as `json` knows them.

Integers stay integers and doubles doubles, so that JSON → Value → JSON gives the same JSON.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from twinfront.v1.value_pb2 import Value
from twinfront_server.errors import TwinfrontError, entry, invalid_argument
from twinfront_server.wire.limits import ValueCount

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1


def fill_value(value: Value, item: Any) -> None:
    """Sets an empty `Value` to parsed JSON.

    An integer beyond 64 bits, which no DTDL schema holds, becomes a double.
    """
    kind = type(item)
    if kind is str:
        value.string_value = item
    elif kind is float:
        value.double_value = item
    elif kind is bool:
        value.bool_value = item
    elif kind is int:
        if _INT64_MIN <= item <= _INT64_MAX:
            value.int_value = item
        else:
            value.double_value = item
    elif kind is dict:
        fields = value.object_value.fields
        value.object_value.SetInParent()
        for name, member in item.items():
            fill_value(fields[name], member)
    elif kind is list:
        values = value.list_value.values
        value.list_value.SetInParent()
        for element in item:
            fill_value(values.add(), element)
    else:
        value.null_value = 0  # type: ignore[assignment]  # the enum's stub has no literal for its only number


def plain_value(value: Value, field: str, count: ValueCount | None = None) -> Any:
    """Gives the Python value of a `Value` that a caller sent.

    Args:
        value: the message.
        field: its proto path, for the error.
        count: counts the values of the document that this one belongs to; of its own if there is none.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if a value has no kind, or is NaN or infinite, which JSON cannot say; if there
            are too many.
    """
    try:
        return _plain(value, count or ValueCount())
    except _UnsayableError as error:
        raise error.at(field) from None


def plain_fields(fields: Mapping[str, Value], field: str, count: ValueCount | None = None) -> dict[str, Any]:
    """Gives the Python values of a map of values; arguments as for `plain_value`."""
    try:
        return _plain_members(fields, count or ValueCount())
    except _UnsayableError as error:
        raise error.at(field) from None


class _UnsayableError(Exception):
    """Refuses a value that cannot be said in JSON.

    Its path is put together from the inside out on its way up: paths of values that are fine would be long and many.
    """

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self._description = description
        self._steps: list[str] = []

    def inside(self, step: str) -> Self:
        self._steps.append(step)
        return self

    def at(self, field: str) -> TwinfrontError:
        return invalid_argument(f"{field}{''.join(reversed(self._steps))}", self._description)


def _plain(value: Value, count: ValueCount) -> Any:
    kind = value.WhichOneof("kind")
    match kind:
        case "string_value" | "bool_value" | "int_value":
            return getattr(value, kind)
        case "double_value":
            if not math.isfinite(value.double_value):
                raise _UnsayableError("must be a finite number: JSON has neither NaN nor infinity")
            return value.double_value
        case "object_value":
            try:
                return _plain_members(value.object_value.fields, count)
            except _UnsayableError as error:
                raise error.inside(".object_value.fields") from None
        case "list_value":
            return _plain_elements(value.list_value.values, count)
        case "null_value":
            return None
        case _:
            raise _UnsayableError("has no value; set one of its kinds")


def _plain_members(fields: Mapping[str, Value], count: ValueCount) -> dict[str, Any]:
    _add(count, len(fields))
    members = {}
    name = ""
    try:
        for name, member in fields.items():
            members[name] = _plain(member, count)
    except _UnsayableError as error:
        raise error.inside(entry("", name)) from None
    return members


def _plain_elements(values: Sequence[Value], count: ValueCount) -> list[Any]:
    _add(count, len(values))
    elements: list[Any] = []
    try:
        for element in values:
            elements.append(_plain(element, count))  # noqa: PERF401  (their number is the place of one that fails)
    except _UnsayableError as error:
        raise error.inside(f".list_value.values[{len(elements)}]") from None
    return elements


def _add(count: ValueCount, values: int) -> None:
    problem = count.add(values)
    if problem is not None:
        raise _UnsayableError(problem)
