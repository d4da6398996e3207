"""`Value` messages to and from plain Python values as `json` knows them.

Integers stay integers and doubles doubles, so that JSON → Value → JSON gives the same JSON.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import orjson

from twinfront.v1.value_pb2 import Value
from twinfront_server.errors import invalid_argument

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


def plain_value(value: Value, field: str) -> Any:
    """The Python value of a `Value` that a caller sent.

    Args:
        value: the message.
        field: its proto path, for the error.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if a value has no kind, or is NaN or infinite, which JSON cannot say.
    """
    kind = value.WhichOneof("kind")
    match kind:
        case "string_value" | "bool_value" | "int_value":
            return getattr(value, kind)
        case "double_value":
            if not math.isfinite(value.double_value):
                raise invalid_argument(field, "must be a finite number: JSON has neither NaN nor infinity")
            return value.double_value
        case "object_value":
            return plain_fields(value.object_value.fields, f"{field}.object_value.fields")
        case "list_value":
            path = f"{field}.list_value.values"
            return [plain_value(element, f"{path}[{index}]") for index, element in enumerate(value.list_value.values)]
        case "null_value":
            return None
        case _:
            raise invalid_argument(field, "has no value; set one of its kinds")


def plain_fields(fields: Mapping[str, Value], field: str) -> dict[str, Any]:
    """The Python values of a map of values; `field` is the map's proto path."""
    return {name: plain_value(member, entry(field, name)) for name, member in fields.items()}


def entry(field: str, key: str) -> str:
    """The proto path of a map's entry, for example `digital_twin.properties["temperature"]`."""
    return f"{field}[{orjson.dumps(key, default=str).decode()}]"
