"""The schemas of properties, each of which can tell whether a parsed JSON value conforms to it.

`name` is the word the service uses for the schema in "Expected value of type …": the term of a primitive or geospatial
schema, else `enum`, `object`, `map` or `array`. `conforms` descends along the schema, whose nesting DTDL bounds, never
along the value alone, so hostile nesting in a value costs nothing.

JSON integers are `int`, numbers with a point or exponent are `float`, as orjson parses them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from localtwins.dtdl import temporal
from localtwins.dtdl.geojson import is_geometry

INTEGER_RANGE: Final = range(-(2**31), 2**31)
_LONG_RANGE: Final = range(-(2**63), 2**63)

_FLOAT_BOUND: Final = 2**128 - 2**103
"""The first number that IEEE 754 rounds to infinity: half a step beyond the largest float.

The official parser has shorter constants, which leave out the largest values themselves.
"""
_DOUBLE_BOUND: Final = 2**1024 - 2**970
"""The same beyond the largest double."""


def _is_number_within(value: object, bound: int) -> bool:
    return (type(value) is float or type(value) is int) and -bound < value < bound


_CONFORMS: Final[Mapping[str, Callable[[object], bool]]] = {
    "boolean": lambda value: type(value) is bool,
    "date": lambda value: type(value) is str and temporal.is_date(value),
    "dateTime": lambda value: type(value) is str and temporal.is_date_time(value),
    "double": lambda value: _is_number_within(value, _DOUBLE_BOUND),
    "duration": lambda value: type(value) is str and temporal.is_duration(value),
    "float": lambda value: _is_number_within(value, _FLOAT_BOUND),
    "integer": lambda value: type(value) is int and value in INTEGER_RANGE,
    "long": lambda value: type(value) is int and value in _LONG_RANGE,
    "string": lambda value: type(value) is str,
    "time": lambda value: type(value) is str and temporal.is_time(value),
}

PRIMITIVES: Final = frozenset(_CONFORMS)


@dataclass(frozen=True, slots=True)
class Primitive:
    """A boolean, date, dateTime, double, duration, float, integer, long, string or time."""

    name: str

    def conforms(self, value: object) -> bool:
        """Tells whether `value` is of this primitive type and within its range."""
        return _CONFORMS[self.name](value)


@dataclass(frozen=True, slots=True)
class Geospatial:
    """A lineString, multiLineString, multiPoint, multiPolygon, point or polygon."""

    name: str

    def conforms(self, value: object) -> bool:
        """Tells whether `value` is a GeoJSON geometry of this type."""
        return is_geometry(self.name, value)


@dataclass(frozen=True, slots=True)
class EnumSchema:
    """A choice of integers or strings; `values` are the enum values, not their names."""

    name: ClassVar[str] = "enum"
    value_schema: str
    values: frozenset[int | str]

    def conforms(self, value: object) -> bool:
        """Tells whether `value` is one of the enum values; 1.0 and true are not 1."""
        return (type(value) is str or type(value) is int) and value in self.values


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """Named fields, each of which a value may leave out."""

    name: ClassVar[str] = "object"
    fields: "dict[str, Schema]"

    def conforms(self, value: object) -> bool:
        """Tells whether `value` is an object with conforming known fields only."""
        if type(value) is not dict:
            return False
        fields = self.fields
        for name, member in value.items():
            schema = fields.get(name)
            if schema is None or not schema.conforms(member):
                return False
        return True


@dataclass(frozen=True, slots=True)
class MapSchema:
    """Any string keys, all values of one schema."""

    name: ClassVar[str] = "map"
    value: "Schema"

    def conforms(self, value: object) -> bool:
        """Tells whether `value` is an object whose every member conforms to the value schema."""
        if type(value) is not dict:
            return False
        conforms = self.value.conforms
        return all(conforms(member) for member in value.values())


@dataclass(frozen=True, slots=True)
class ArraySchema:
    """A list whose elements are all of one schema."""

    name: ClassVar[str] = "array"
    element: "Schema"

    def conforms(self, value: object) -> bool:
        """Tells whether `value` is a list whose every element conforms to the element schema."""
        if type(value) is not list:
            return False
        conforms = self.element.conforms
        return all(conforms(element) for element in value)


Schema = Primitive | Geospatial | EnumSchema | ObjectSchema | MapSchema | ArraySchema
