"""The classes of DTDL and their properties, per version.

Source: the language specifications, https://azure.github.io/opendigitaltwins-dtdl/ (DTDL v2, DTDL v3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from localtwins.dtdl.limits import LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Text:
    """A string.

    Attributes:
        is_name: true for a string that follows the pattern of names.
    """

    max_length: int | None = None
    is_name: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class LocalizableText:
    """A string, a language map or a list of language-tagged strings."""

    max_length: int


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number of 32 bits, written with or without a fraction of zero."""

    minimum: int
    maximum: int | None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number or boolean; required wherever it occurs."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A DTMI or a term, of something that need not be defined."""

    required: bool = False


@dataclass(frozen=True, slots=True)
class Elements:
    """Elements, defined in place or referred to.

    Attributes:
        kinds: the classes that a reference may lead to.
        inline: the classes that may be defined in place.
        inferred: the class of an element without `@type`.
        named: true if they get their ids from their names.
        same_version: false if elements of an older DTDL version may stand there.
    """

    kinds: frozenset[str]
    inline: frozenset[str]
    inferred: str | None = None
    plural: bool = False
    minimum: int = 0
    named: bool = False
    id_required: bool = False
    same_version: bool = False

    def take_version(self, version: int, parent_version: int) -> bool:
        """Tells whether an element of a DTDL version may stand in a parent of another."""
        return version == parent_version if self.same_version else version <= parent_version


Field = Text | LocalizableText | Boolean | Integer | Literal | Reference | Elements


def is_required(field: Field) -> bool:
    """Tells whether an element must have the property."""
    if isinstance(field, Elements):
        return field.minimum > 0
    return isinstance(field, Literal) or (isinstance(field, Text | Reference | Integer) and field.required)


CONTENTS: Final = frozenset(["Command", "Component", "Property", "Relationship", "Telemetry"])
COMPLEX_SCHEMAS: Final = frozenset(["Array", "Enum", "Map", "Object"])
NUMERIC_SCHEMAS: Final = frozenset(["Double", "Float", "Integer", "Long"])
PRIMITIVE_SCHEMAS: Final = NUMERIC_SCHEMAS | {"Boolean", "Date", "DateTime", "Duration", "String", "Time"}


def _inferred(kind: str, *, plural: bool = False, minimum: int = 0, named: bool = False) -> Elements:
    only = frozenset([kind])
    return Elements(only, only, inferred=kind, plural=plural, minimum=minimum, named=named, same_version=True)


def _fields(version: int, limits: Limits) -> dict[str, dict[str, Field]]:
    interface = frozenset(["Interface"])
    nothing: frozenset[str] = frozenset()
    every: dict[str, Field] = {
        "comment": Text(limits.comment),
        "description": LocalizableText(limits.description),
        "displayName": LocalizableText(limits.display_name),
    }
    named = every | {"name": Text(limits.name, is_name=True, required=True)}
    schema = Elements(PRIMITIVE_SCHEMAS | COMPLEX_SCHEMAS, COMPLEX_SCHEMAS, minimum=1)
    with_schema = named | {"schema": schema}
    request, response = ("CommandPayload",) * 2 if version == 2 else ("CommandRequest", "CommandResponse")  # noqa: PLR2004  (the DTDL version)
    return {
        "Interface": every
        | {
            "contents": Elements(CONTENTS, CONTENTS, plural=True, named=True),
            "extends": Elements(interface, interface, plural=True, id_required=True),
            "schemas": Elements(COMPLEX_SCHEMAS, COMPLEX_SCHEMAS, plural=True, id_required=True, same_version=True),
        },
        "Property": with_schema | {"writable": Boolean()},
        "Telemetry": with_schema,
        "Relationship": named
        | {
            "maxMultiplicity": Integer(1, limits.max_multiplicity),
            "minMultiplicity": Integer(0, 0),
            "properties": Elements(frozenset(["Property"]), frozenset(["Property"]), plural=True, named=True),
            "target": Reference(),
            "writable": Boolean(),
        },
        "Component": named | {"schema": Elements(interface, interface, minimum=1, id_required=True)},
        "Command": named
        | {
            "commandType": Elements(frozenset(["CommandType"]), nothing, same_version=True),
            "request": _inferred(request),
            "response": _inferred(response),
        },
        "CommandPayload": with_schema,
        "CommandRequest": with_schema,
        "CommandResponse": with_schema,
        "Array": every | {"elementSchema": schema},
        "Enum": every
        | {
            "enumValues": _inferred("EnumValue", plural=True, minimum=limits.min_enum_values, named=True),
            "valueSchema": Elements(PRIMITIVE_SCHEMAS, nothing, minimum=1),
        },
        "EnumValue": named | {"enumValue": Literal()},
        "Map": every | {"mapKey": _inferred("MapKey", minimum=1), "mapValue": _inferred("MapValue", minimum=1)},
        "MapKey": named | {"schema": Elements(frozenset(["String"]), nothing, minimum=1)},
        "MapValue": with_schema,
        "Object": every | {"fields": _inferred("Field", plural=True, minimum=limits.min_fields, named=True)},
        "Field": with_schema,
    }


FIELDS: Final[Mapping[int, Mapping[str, Mapping[str, Field]]]] = {
    version: _fields(version, limits) for version, limits in LIMITS.items()
}
"""DTDL version -> class -> property term -> what it takes."""

REQUIRED: Final[Mapping[int, Mapping[str, Mapping[str, Field]]]] = {
    version: {
        kind: {term: field for term, field in fields.items() if is_required(field)} for kind, fields in classes.items()
    }
    for version, classes in FIELDS.items()
}
"""DTDL version -> class -> property terms that an element must have."""

DOCUMENT: Final = Elements(frozenset(["Interface"]), frozenset(["Interface"]), id_required=True)
"""The items that a top-level array may have."""
