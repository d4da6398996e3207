"""Values checked against the schemas of their properties."""

from dataclasses import dataclass
from typing import Literal

from localtwins.dtdl.schemas import ArraySchema, MapSchema, ObjectSchema, Schema


@dataclass(frozen=True, slots=True)
class ValueProblem:
    """Names the first place where a value does not conform.

    Attributes:
        path: the given path followed by the steps down, as in a JSON Pointer: `address/city`, `readings/2`.
        kind: `type` (the value there is not of `expected`) or `unknown_field` (`path` ends in a member for which the
            object schema `expected` has no field).
    """

    path: str
    expected: Schema
    kind: Literal["type", "unknown_field"]


def value_problem(schema: Schema, value: object, path: str) -> ValueProblem | None:
    """Finds the first place where `value`, as parsed from JSON, does not conform to `schema`; None if it does.

    Args:
        schema: the schema of the property.
        value: parsed JSON.
        path: the name of the property, with which the path of the answer begins.
    """
    if schema.conforms(value):
        return None
    while True:
        step = _nonconforming_member(schema, value)
        if step is None:
            return ValueProblem(path, schema, "type")
        name, member_schema, value = step
        path = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if member_schema is None:
            return ValueProblem(path, schema, "unknown_field")
        schema = member_schema


def _nonconforming_member(schema: Schema, value: object) -> tuple[str, Schema | None, object] | None:
    if isinstance(schema, ObjectSchema) and isinstance(value, dict):
        for name, member in value.items():
            field = schema.fields.get(name)
            if field is None or not field.conforms(member):
                return name, field, member
    elif isinstance(schema, MapSchema) and isinstance(value, dict):
        for name, member in value.items():
            if not schema.value.conforms(member):
                return name, schema.value, member
    elif isinstance(schema, ArraySchema) and isinstance(value, list):
        for index, element in enumerate(value):
            if not schema.element.conforms(element):
                return str(index), schema.element, element
    return None
