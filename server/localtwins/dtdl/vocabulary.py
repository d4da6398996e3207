"""The terms of the language: which DTMI each stands for, and what the DTMIs of standard elements denote."""

from collections.abc import Mapping
from dataclasses import dataclass

from localtwins.dtdl.semantic_types import SEMANTIC_TYPES, UNITS

QUANTITATIVE_TYPES = "dtmi:dtdl:extension:quantitativeTypes;1"

# Extensions that the official parser knows: name -> versions. Documents may name all of them; what EXTENSION_TERMS
# leaves out is of no use to a digital twin (mqtt, requirement, iotcentral) or for DTDL 4 only.
KNOWN_EXTENSIONS = {
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

_CLASSES = """Array Boolean Command CommandPayload CommandType ComplexSchema Component Content Date DateTime Double
    Duration Entity Enum EnumValue Field Float Integer Interface Long Map MapKey MapValue NamedEntity NumericSchema
    Object PrimitiveSchema Property Relationship Schema SchemaField SemanticType SemanticUnit String Telemetry
    TemporalSchema Time Unit UnitAttribute""".split()
_CLASSES_OF_3 = "AdjunctType Alias CommandRequest CommandResponse LatentType NamedLatentType".split()
_PROPERTIES = """commandType comment contents description displayName elementSchema enumValue enumValues exponent
    extends fields languageMajorVersion mapKey mapValue maxMultiplicity minMultiplicity name properties request
    response schema schemas symbol target valueSchema writable""".split()
_PROPERTIES_OF_2 = "baseUnit bottomUnit prefix topUnit unit".split()
_PRIMITIVES = "boolean date dateTime double duration float integer long string time".split()
_GEOSPATIAL = "lineString multiLineString multiPoint multiPolygon point polygon".split()
_COMMAND_TYPES = ("asynchronous", "synchronous")
_STANDARD_CLASSES_OF_2 = "BinaryPrefix BinaryUnit DecimalPrefix DecimalUnit QuantitativeType RatioUnit".split()
_UNIT_PREFIXES = """atto centi deci exa exbi femto gibi giga hecto kibi kilo mebi mega micro milli nano pebi peta pico
    tebi tera yobi yocto yotta zebi zepto zetta""".split()

MATERIAL_CLASSES = frozenset([*_CLASSES, *_CLASSES_OF_3]) - {
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
    """What a DTMI of the language itself denotes.

    `kind` is the DTDL class. `schema_depth` is how many schema steps lie below a schema; `group` is the enumeration
    or unit type that a unit belongs to (a DTMI, several in DTDL 2).
    """

    kind: str
    dtdl_version: int
    schema_depth: int = 0
    groups: frozenset[str] = frozenset()


def _terms(version: int) -> dict[str, str]:
    classes = _CLASSES if version == 2 else [*_CLASSES, *_CLASSES_OF_3]
    properties = [*_PROPERTIES, *_PROPERTIES_OF_2] if version == 2 else [*_PROPERTIES, "aliasFor"]
    terms = {name: f"dtmi:dtdl:class:{name};{version}" for name in classes}
    terms |= {name: f"dtmi:dtdl:property:{name};{version}" for name in properties}
    terms |= {name: f"dtmi:dtdl:instance:Schema:{name};{version}" for name in _PRIMITIVES}
    terms |= {name: f"dtmi:dtdl:instance:CommandType:{name};{version}" for name in _COMMAND_TYPES}
    terms |= {name: f"dtmi:standard:schema:geospatial:{name};{version}" for name in _GEOSPATIAL}
    if version == 3:
        return terms | {name: f"dtmi:dtdl:meta:{name};3" for name in ("DtdlExtension", "metamodel", "model")}
    classes = [*SEMANTIC_TYPES[2], *UNITS[2], *_STANDARD_CLASSES_OF_2]
    terms |= {name: f"dtmi:standard:class:{name};2" for name in classes}
    terms |= {name: f"dtmi:standard:unitprefix:{name};2" for name in [*_UNIT_PREFIXES, "deka"]}
    return terms | {name: f"dtmi:standard:unit:{name};2" for units in UNITS[2].values() for name in units}


def _quantitative_terms() -> dict[str, str]:
    prefix = "dtmi:dtdl:extension:quantitativeTypes:v1"
    classes = [*SEMANTIC_TYPES[3], "BinaryUnit", "DecimalUnit", "QuantitativeType", "RatioUnit", "SymbolicUnit", "UnitPrefix"]
    terms = {name: f"{prefix}:class:{name}" for name in classes}
    terms |= {name: f"{prefix}:enum:{name}" for name in [*UNITS[3], "BinaryPrefix", "DecimalPrefix"]}
    terms |= {"EnergyRateUnit": f"{prefix}:enum:PowerUnit"}
    terms |= {name: f"{prefix}:unitprefix:{name}" for name in [*_UNIT_PREFIXES, "deca"]}
    terms |= {name: f"{prefix}:property:{name}" for name in _PROPERTIES_OF_2}
    return terms | {name: f"{prefix}:unit:{name}" for units in UNITS[3].values() for name in units}


# DTDL version -> term -> DTMI
TERMS: Mapping[int, Mapping[str, str]] = {2: _terms(2), 3: _terms(3)}

# extension context -> term -> DTMI
EXTENSION_TERMS: Mapping[str, Mapping[str, str]] = {
    QUANTITATIVE_TYPES: _quantitative_terms(),
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


def _standard_elements() -> dict[str, StandardElement]:
    # A geometry is an object with a field of nested arrays of doubles.
    geometry_depths = {"point": 2, "multiPoint": 3, "lineString": 3, "multiLineString": 4, "polygon": 4, "multiPolygon": 5}
    elements: dict[str, StandardElement] = {}
    for version in (2, 3):
        terms = TERMS[version]
        elements |= {terms[name]: StandardElement(name[0].upper() + name[1:], version) for name in _PRIMITIVES}
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
    elements |= {quantitative[name]: StandardElement("Enum", 3) for name in ("BinaryPrefix", "DecimalPrefix")}
    return elements


# DTMI -> what it denotes, for everything that a model may refer to without defining it
STANDARD_ELEMENTS: Mapping[str, StandardElement] = _standard_elements()
GEOSPATIAL_SCHEMAS = frozenset(TERMS[version][name] for version in (2, 3) for name in _GEOSPATIAL)
