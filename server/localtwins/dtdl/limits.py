"""Limits of a model, per DTDL version. None: the language sets no limit."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one DTDL version; lengths count UTF-16 code units, as the service does."""

    name: int
    display_name: int
    contents: int | None
    parents: int | None
    enum_values: int | None
    min_enum_values: int
    fields: int | None
    min_fields: int
    relationship_properties: int | None
    max_multiplicity: int | None
    ancestors: int | None
    elements: int | None
    description: int = 512
    comment: int = 512
    extends_depth: int = 10
    schema_depth: int = 5


LIMITS: Final = {
    2: Limits(
        name=64,
        display_name=64,
        contents=300,
        parents=2,
        enum_values=100,
        min_enum_values=1,
        fields=30,
        min_fields=1,
        relationship_properties=300,
        max_multiplicity=500,
        ancestors=None,
        elements=None,
    ),
    3: Limits(
        name=512,
        display_name=512,
        contents=None,
        parents=None,
        enum_values=None,
        min_enum_values=0,
        fields=None,
        min_fields=0,
        relationship_properties=None,
        max_multiplicity=None,
        ancestors=1024,
        elements=100_000,
    ),
}

INTERFACE_BYTES: Final = 1024 * 1024
"""UTF-8 bytes of one interface's JSON. DTDL 2 has no such limit, Azure Digital Twins has it for every model."""

JSON_DEPTH: Final = 64
"""Nesting of JSON objects and arrays in a request that the official parser reads at all."""
