"""Supplemental types: further types beside the DTDL class in `@type`, and the properties that they bring."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from localtwins.dtdl.geojson import GEOMETRIES
from localtwins.dtdl.metamodel import NUMERIC_SCHEMAS, Elements, Field, Integer, Reference, Text
from localtwins.dtdl.schemas import INTEGER_RANGE
from localtwins.dtdl.semantic_types import SEMANTIC_TYPES
from localtwins.dtdl.vocabulary import EXTENSION_TERMS, IOT_CENTRAL, MATERIAL_CLASSES, QUANTITATIVE_TYPES, TERMS


@dataclass(frozen=True, slots=True)
class CoType:
    """Describes one supplemental type.

    Attributes:
        kinds: the DTDL classes that it may be put on.
        dtdl_version: the DTDL version of the elements that it may be put on.
        properties: full DTMI of each property that it brings -> the value that the property takes.
        requires: the co-type that must stand beside it.
        schema_kinds: the classes of which the schema beside it must be one.
        schemas: the DTMIs of which the schema beside it must be one.
        unit_group: on types with a unit, the DTMI of the units that they take.
    """

    name: str
    dtdl_version: int
    kinds: frozenset[str]
    properties: Mapping[str, Field] = field(default_factory=dict)
    requires: str | None = None
    schema_kinds: frozenset[str] | None = None
    schemas: frozenset[str] | None = None
    unit_group: str | None = None


_QUANTITATIVE: Final = EXTENSION_TERMS[QUANTITATIVE_TYPES]
UNIT_PROPERTIES: Final = {2: TERMS[2]["unit"], 3: _QUANTITATIVE["unit"]}

_VALUED: Final = frozenset(["Property", "Telemetry"])


def _semantic_types() -> dict[str, CoType]:
    unit_of = {
        2: Elements(frozenset(["Unit"]), frozenset(), minimum=1),
        3: Elements(frozenset(["EnumValue"]), frozenset(), minimum=1),
    }
    kinds_of = {2: _VALUED, 3: _VALUED | {"CommandRequest", "CommandResponse", "Field", "MapValue"}}
    found = {}
    for version, terms in ((2, TERMS[2]), (3, _QUANTITATIVE)):
        for name, unit_type in SEMANTIC_TYPES[version].items():
            unit = {UNIT_PROPERTIES[version]: unit_of[version]}
            found[terms[name]] = CoType(
                name, version, kinds_of[version], unit, schema_kinds=NUMERIC_SCHEMAS, unit_group=terms[unit_type]
            )
    return found


def _iot_central_types() -> dict[str, CoType]:
    """Lists the types of IoT Central; those with a unit may do without it."""
    terms = EXTENSION_TERMS[IOT_CENTRAL]
    unit: dict[str, Field] = {UNIT_PROPERTIES[2]: Elements(frozenset(["Unit"]), frozenset())}
    vector = frozenset([terms["vector"]])
    places = frozenset(TERMS[2][name] for name in GEOMETRIES) | {terms["geopoint"]}
    types = [
        CoType("AccelerationVector", 2, _VALUED, unit, schemas=vector, unit_group=TERMS[2]["AccelerationUnit"]),
        CoType("VelocityVector", 2, _VALUED, unit, schemas=vector, unit_group=TERMS[2]["VelocityUnit"]),
        CoType("Location", 2, _VALUED, schemas=places),
        CoType("Event", 2, _VALUED, schema_kinds=NUMERIC_SCHEMAS | {"String"}),
        CoType("State", 2, _VALUED, schema_kinds=frozenset(["Enum"])),
    ]
    return {terms[co_type.name]: co_type for co_type in types}


def _unit_types() -> dict[str, CoType]:
    """Lists the types that make units of one's own out of enum values.

    The first one stands anywhere in the official parser.
    """
    unit = Elements(frozenset(["EnumValue"]), frozenset(), minimum=1)
    prefixed: dict[str, Field] = {
        _QUANTITATIVE["baseUnit"]: unit,
        _QUANTITATIVE["prefix"]: Elements(frozenset(["EnumValue"]), frozenset()),
    }
    ratio: dict[str, Field] = {_QUANTITATIVE["topUnit"]: unit, _QUANTITATIVE["bottomUnit"]: unit}
    symbol: dict[str, Field] = {TERMS[3]["symbol"]: Text(required=True)}
    exponent: dict[str, Field] = {TERMS[3]["exponent"]: Integer(INTEGER_RANGE.start, None, required=True)}
    values = frozenset(["EnumValue"])
    types = [
        CoType("BinaryUnit", 3, MATERIAL_CLASSES, prefixed),
        CoType("DecimalUnit", 3, values, prefixed),
        CoType("RatioUnit", 3, values, ratio),
        CoType("SymbolicUnit", 3, values, symbol),
        CoType("UnitPrefix", 3, values, symbol | exponent),
    ]
    return {_QUANTITATIVE[co_type.name]: co_type for co_type in types}


def _annotation_types() -> dict[str, CoType]:
    found = {}
    for version in (1, 2):
        annotation = EXTENSION_TERMS[f"dtmi:dtdl:extension:annotation;{version}"]
        overriding = EXTENSION_TERMS[f"dtmi:dtdl:extension:overriding;{version}"]
        historization = EXTENSION_TERMS[f"dtmi:dtdl:extension:historization;{version}"]
        annotates = {annotation["annotates"]: Text(required=True)}
        overrides = {overriding["overrides"]: Reference(required=True)}
        found[annotation["ValueAnnotation"]] = CoType("ValueAnnotation", 3, _VALUED, annotates)
        found[overriding["Override"]] = CoType(
            "Override", 3, frozenset(["Property"]), overrides, requires=annotation["ValueAnnotation"]
        )
        found[historization["Historized"]] = CoType("Historized", 3, _VALUED)
    return found


CO_TYPES: Final[Mapping[str, CoType]] = _semantic_types() | _iot_central_types() | _unit_types() | _annotation_types()
"""DTMI -> co-type."""
