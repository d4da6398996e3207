"""The terms of the language: which DTMI each stands for, and what the DTMIs of standard elements denote."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from localtwins.dtdl.semantic_types import SEMANTIC_TYPES, UNIT_PREFIXES, UNITS

QUANTITATIVE_TYPES: Final = "dtmi:dtdl:extension:quantitativeTypes;1"
IOT_CENTRAL: Final = "dtmi:iotcentral:context;2"


def _words(text: str) -> list[str]:
    return text.split()


KNOWN_EXTENSIONS: Final = {
    "dtmi:dtdl:extension:annotation": {"1", "2"},
    "dtmi:dtdl:extension:historization": {"1", "2"},
    "dtmi:dtdl:extension:mqtt": {"1", "2", "3", "4"},
    "dtmi:dtdl:extension:overriding": {"1", "2"},
    "dtmi:dtdl:extension:quantitativeTypes": {"1", "2", "3"},
    "dtmi:dtdl:extension:requirement": {"1", "2"},
    "dtmi:dtdl:limits:aio": {"1"},
    "dtmi:dtdl:limits:onvif": {"1"},
    "dtmi:iotcentral:context": {"2"},
    "dtmi:iotoperations:context": {"4"},
}
"""Extensions that the official parser knows: name -> versions.

Documents may name all of them; those without a place in `EXTENSION_TERMS` are of no use to a digital twin (mqtt,
requirement), or for DTDL 4 only.
"""

IMPLICIT_VERSIONS: Final = {IOT_CENTRAL: 2}
"""Extensions that may stand before DTDL's own context or without it, with the DTDL version that they imply."""

RESERVED_BY_EXTENSION: Final = {IOT_CENTRAL: "dtmi:iotcentral:"}
"""Prefixes of the ids that models may not define while an extension is listed."""

_CLASSES: Final = _words("""
    Array Boolean Command CommandPayload CommandType ComplexSchema Component Content Date DateTime Double Duration
    Entity Enum EnumValue Field Float Integer Interface Long Map MapKey MapValue NamedEntity NumericSchema Object
    PrimitiveSchema Property Relationship Schema SchemaField SemanticType SemanticUnit String Telemetry
    TemporalSchema Time Unit UnitAttribute
""")
_CLASSES_OF_3: Final = _words("AdjunctType Alias CommandRequest CommandResponse LatentType NamedLatentType")
_PROPERTIES: Final = _words("""
    commandType comment contents description displayName elementSchema enumValue enumValues exponent extends
    fields languageMajorVersion mapKey mapValue maxMultiplicity minMultiplicity name properties request response
    schema schemas symbol target valueSchema writable
""")
_PROPERTIES_OF_2: Final = _words("baseUnit bottomUnit prefix topUnit unit")
_PRIMITIVES: Final = _words("boolean date dateTime double duration float integer long string time")
_GEOSPATIAL: Final = _words("lineString multiLineString multiPoint multiPolygon point polygon")
IOT_CENTRAL_SCHEMAS: Final = {"geopoint": ("lon", "lat", "alt"), "vector": ("x", "y", "z")}
"""Objects with fields of doubles."""
_COMMAND_TYPES: Final = ("asynchronous", "synchronous")
_PREFIXES: Final = frozenset[str]().union(*UNIT_PREFIXES.values())
_STANDARD_CLASSES_OF_2: Final = _words("BinaryPrefix BinaryUnit DecimalPrefix DecimalUnit QuantitativeType RatioUnit")

MATERIAL_CLASSES: Final = frozenset([*_CLASSES, *_CLASSES_OF_3]) - {
    "AdjunctType",
    "Alias",
    "ComplexSchema",
    "Content",
    "Entity",
    "NamedEntity",
    "NumericSchema",
    "PrimitiveSchema",
    "Schema",
    "SchemaField",
    "SemanticType",
    "SemanticUnit",
    "TemporalSchema",
}


@dataclass(frozen=True, slots=True)
class StandardElement:
    """Describes an element of the language itself.

    Attributes:
        kind: its DTDL class.
        schema_depth: how many schema steps lie below a schema.
        group: the enumeration or unit type that a unit belongs to (a DTMI, several in DTDL 2).
    """

    kind: str
    dtdl_version: int
    schema_depth: int = 0
    groups: frozenset[str] = frozenset()


def _core_terms(version: int, classes: list[str], properties: list[str]) -> dict[str, str]:
    return {
        **{name: f"dtmi:dtdl:class:{name};{version}" for name in classes},
        **{name: f"dtmi:dtdl:property:{name};{version}" for name in properties},
        **{name: f"dtmi:dtdl:instance:Schema:{name};{version}" for name in _PRIMITIVES},
        **{name: f"dtmi:dtdl:instance:CommandType:{name};{version}" for name in _COMMAND_TYPES},
        **{name: f"dtmi:standard:schema:geospatial:{name};{version}" for name in _GEOSPATIAL},
    }


def _standard_terms() -> dict[str, str]:
    """Lists semantic types and units, which DTDL 2 has built in."""
    classes = [*SEMANTIC_TYPES[2], *UNITS[2], *_STANDARD_CLASSES_OF_2]
    return {
        **{name: f"dtmi:standard:class:{name};2" for name in classes},
        **{name: f"dtmi:standard:unitprefix:{name};2" for name in ("deka", *_PREFIXES - {"deca"})},
        **{name: f"dtmi:standard:unit:{name};2" for units in UNITS[2].values() for name in units},
    }


def _quantitative_terms() -> dict[str, str]:
    prefix = "dtmi:dtdl:extension:quantitativeTypes:v1"
    classes = [*SEMANTIC_TYPES[3], *_words("BinaryUnit DecimalUnit QuantitativeType RatioUnit SymbolicUnit UnitPrefix")]
    terms = {name: f"{prefix}:class:{name}" for name in classes}
    terms |= {name: f"{prefix}:enum:{name}" for name in [*UNITS[3], *UNIT_PREFIXES]}
    terms |= {"EnergyRateUnit": f"{prefix}:enum:PowerUnit"}
    terms |= {name: f"{prefix}:unitprefix:{name}" for name in _PREFIXES}
    terms |= {name: f"{prefix}:property:{name}" for name in _PROPERTIES_OF_2}
    return terms | {name: f"{prefix}:unit:{name}" for units in UNITS[3].values() for name in units}


def _iot_central_terms() -> dict[str, str]:
    types = _words("AccelerationVector Event Location State VelocityVector")
    return {
        **{name: f"dtmi:iotcentral:class:{name};2" for name in types},
        **{name: f"dtmi:iotcentral:schema:{name};2" for name in IOT_CENTRAL_SCHEMAS},
    }


TERMS: Final[Mapping[int, Mapping[str, str]]] = {
    2: _core_terms(2, _CLASSES, [*_PROPERTIES, *_PROPERTIES_OF_2]) | _standard_terms(),
    3: _core_terms(3, [*_CLASSES, *_CLASSES_OF_3], [*_PROPERTIES, "aliasFor"])
    | {name: f"dtmi:dtdl:meta:{name};3" for name in ("DtdlExtension", "metamodel", "model")},
}
"""DTDL version -> term -> DTMI."""

EXTENSION_TERMS: Final[Mapping[str, Mapping[str, str]]] = {
    QUANTITATIVE_TYPES: _quantitative_terms(),
    IOT_CENTRAL: _iot_central_terms(),
    **{
        f"dtmi:dtdl:extension:{extension};{version}": {
            name.rpartition(":")[2]: f"dtmi:dtdl:extension:{extension}:v{version}:{name}" for name in names
        }
        for version in (1, 2)
        for extension, names in (
            ("annotation", ("ValueAnnotation", "ValueAnnotation:annotates")),
            ("overriding", ("Override", "Override:overrides")),
            ("historization", ("Historized",)),
        )
    },
}
"""Extension context -> term -> DTMI."""


def _standard_elements() -> dict[str, StandardElement]:
    # A geometry is an object with a field of nested arrays of doubles.
    geometry_depths = {
        "point": 2,
        "multiPoint": 3,
        "lineString": 3,
        "multiLineString": 4,
        "polygon": 4,
        "multiPolygon": 5,
    }
    # Primitives are the same in every version and may be referred to across versions.
    elements = {
        f"dtmi:dtdl:instance:Schema:{name};{version}": StandardElement(name[0].upper() + name[1:], 2)
        for name in _PRIMITIVES
        for version in (2, 3, 4)
    }
    for version in (2, 3):
        terms = TERMS[version]
        elements |= {terms[name]: StandardElement("CommandType", version) for name in _COMMAND_TYPES}
        elements |= {terms[name]: StandardElement("Object", version, depth) for name, depth in geometry_depths.items()}
    for unit_type, units in UNITS[2].items():
        for unit in units:
            known = elements.get(TERMS[2][unit], StandardElement("Unit", 2))
            groups = known.groups | {TERMS[2][unit_type]}
            elements[TERMS[2][unit]] = StandardElement("Unit", 2, groups=groups)
    quantitative = EXTENSION_TERMS[QUANTITATIVE_TYPES]
    for unit_type, units in UNITS[3].items():
        elements[quantitative[unit_type]] = StandardElement("Enum", 3)
        for unit in units:
            elements[quantitative[unit]] = StandardElement("EnumValue", 3, groups=frozenset([quantitative[unit_type]]))
    elements |= {quantitative[name]: StandardElement("Enum", 3) for name in UNIT_PREFIXES}
    elements |= {quantitative[name]: StandardElement("EnumValue", 3) for name in _PREFIXES}
    iot_central = EXTENSION_TERMS[IOT_CENTRAL]
    return elements | {iot_central[name]: StandardElement("Object", 2, 1) for name in IOT_CENTRAL_SCHEMAS}


STANDARD_ELEMENTS: Final[Mapping[str, StandardElement]] = _standard_elements()
"""DTMI -> element, for everything that a model may refer to without defining it."""
GEOSPATIAL_SCHEMAS: Final = frozenset(TERMS[version][name] for version in (2, 3) for name in _GEOSPATIAL)
