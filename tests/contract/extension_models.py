"""Models with the types of extensions, right and wrong ones, for the official parser to judge."""

from collections.abc import Iterator
from typing import Any

DTDL_2 = "dtmi:dtdl:context;2"
DTDL_3 = "dtmi:dtdl:context;3"
IOT_CENTRAL = "dtmi:iotcentral:context;2"
QUANTITATIVE = "dtmi:dtdl:extension:quantitativeTypes;1"
ANNOTATION = "dtmi:dtdl:extension:annotation;1"
HISTORIZATION = "dtmi:dtdl:extension:historization;1"
UNKNOWN = "dtmi:com:unknown;1"

Batch = list[dict[str, Any]]


def interface(context: Any, *contents: Any, **members: Any) -> Batch:
    """A batch of one interface."""
    stated = {"@context": context, "@id": "dtmi:example:A;1", "@type": "Interface", "contents": list(contents)}
    return [stated | members]


def value(types: list[str], schema: Any, kind: str = "Telemetry", **members: Any) -> dict[str, Any]:
    """A telemetry or property with co-types."""
    return {"@type": [kind, *types], "name": "p", "schema": schema, **members}


def iot_central_contexts() -> Iterator[Batch]:
    """The places where the context may stand.

    Left out is where it stands without DTDL's own: the official parser knows the version that it implies, and refuses
    it all the same.
    """
    for context in (
        [IOT_CENTRAL, DTDL_2],
        [IOT_CENTRAL, DTDL_2, DTDL_2],
        [IOT_CENTRAL, DTDL_2, DTDL_3],
        [IOT_CENTRAL, DTDL_3, DTDL_2],
        [IOT_CENTRAL, DTDL_2, IOT_CENTRAL],
        [IOT_CENTRAL, IOT_CENTRAL, DTDL_2],
        [IOT_CENTRAL, DTDL_2, UNKNOWN],
        [IOT_CENTRAL, DTDL_3],
        [DTDL_2, IOT_CENTRAL],
        [DTDL_2, IOT_CENTRAL, DTDL_2],
        [DTDL_3, IOT_CENTRAL],
        [QUANTITATIVE, DTDL_2],
        [UNKNOWN, DTDL_2],
        ["dtmi:iotcentral:context;3", DTDL_2],
        "dtmi:iotoperations:context;4",
    ):
        yield interface(context)
        yield interface(context, value(["AccelerationVector"], "vector"))
        yield interface(context, value([], "geopoint"))
        for stated in ("dtmi:iotcentral:A;1", "dtmi:iotcentralA:A;1"):
            yield interface(context, **{"@id": stated})
    nested = {**value(["Event"], "double"), "@context": [IOT_CENTRAL]}
    yield interface(DTDL_2, nested)
    yield interface(DTDL_2, {**nested, "schema": "boolean"})


def iot_central_types() -> Iterator[Batch]:
    """Each type with each kind of schema, and what else may be wrong with one."""
    context = [DTDL_2, IOT_CENTRAL]
    complex_schemas: list[Any] = [
        {"@type": "Enum", "valueSchema": "integer", "enumValues": [{"name": "a", "enumValue": 1}]},
        {"@type": "Object", "fields": [{"name": "x", "schema": "double"}]},
        {
            "@type": "Map",
            "mapKey": {"name": "k", "schema": "string"},
            "mapValue": {"name": "v", "schema": "vector"},
        },
        {"@type": "Array", "elementSchema": "geopoint"},
    ]
    primitives = ["boolean", "double", "float", "integer", "long", "string", "dateTime"]
    schemas = ["vector", "geopoint", "point", "multiPolygon", *primitives, *complex_schemas]
    for kind in ("Telemetry", "Property"):
        for types in ([], ["AccelerationVector"], ["VelocityVector"], ["Location"], ["Event"], ["State"]):
            for schema in schemas:
                yield interface(context, value(types, schema, kind))
    for types, schema, unit in (
        (["AccelerationVector"], "vector", "gForce"),
        (["AccelerationVector"], "vector", "degreeCelsius"),
        (["VelocityVector"], "vector", "metrePerSecond"),
        (["VelocityVector"], "vector", "gForce"),
        (["Event"], "double", "gForce"),
        (["AccelerationVector", "Acceleration"], "vector", "gForce"),
        (["AccelerationVector", "VelocityVector"], "vector", "gForce"),
    ):
        yield interface(context, value(types, schema, unit=unit))
    yield interface(context, value(["Event", "State"], "double"))
    yield interface(context, {"@type": ["Command", "Event"], "name": "c"})
    yield interface(context, {"@type": ["Relationship", "Location"], "name": "c"})
    field = {"@type": ["Field", "Event"], "name": "f", "schema": "double"}
    yield interface(context, value([], {"@type": "Object", "fields": [field]}))
    for version in (DTDL_2, DTDL_3):
        for schema in ("vector", "geopoint", "nothing"):
            yield interface(version, value([], f"dtmi:iotcentral:schema:{schema};2"))
        for schema in ("double", "boolean"):
            yield interface(version, value(["dtmi:iotcentral:class:Event;2"], schema))


def unit_types() -> Iterator[Batch]:
    """Units of one's own: what each type needs, and what it takes."""
    for types, members in (
        (["DecimalUnit"], {"baseUnit": "metre", "prefix": "kilo"}),
        (["DecimalUnit"], {"baseUnit": "metre"}),
        (["DecimalUnit"], {"prefix": "kilo"}),
        (["DecimalUnit"], {"baseUnit": "metre", "prefix": "kibi"}),
        (["DecimalUnit"], {"baseUnit": "metre", "prefix": "second"}),
        (["DecimalUnit"], {"baseUnit": "LengthUnit"}),
        (["DecimalUnit"], {"baseUnit": "kilo"}),
        (["DecimalUnit"], {"baseUnit": ["metre", "second"]}),
        (["DecimalUnit"], {"baseUnit": ["metre"]}),
        (["DecimalUnit"], {"baseUnit": "nothing"}),
        (["DecimalUnit"], {"baseUnit": "dtmi:example:nothing;1"}),
        (["DecimalUnit"], {"baseUnit": 5}),
        (["DecimalUnit"], {"baseUnit": {"@type": "EnumValue", "name": "u", "enumValue": "u"}}),
        (["DecimalUnit"], {"baseUnit": "metre", "topUnit": "metre"}),
        (["BinaryUnit"], {"baseUnit": "byte", "prefix": "kibi"}),
        (["BinaryUnit"], {}),
        (["RatioUnit"], {"topUnit": "metre", "bottomUnit": "second"}),
        (["RatioUnit"], {"topUnit": "metre"}),
        (["RatioUnit"], {"bottomUnit": "metre"}),
        (["SymbolicUnit"], {"symbol": "x"}),
        (["SymbolicUnit"], {}),
        (["SymbolicUnit"], {"symbol": ""}),
        (["SymbolicUnit"], {"symbol": 5}),
        (["SymbolicUnit"], {"symbol": ["x", "y"]}),
        (["SymbolicUnit"], {"symbol": "x" * 2_000}),
        (["SymbolicUnit"], {"dtmi:dtdl:property:symbol;3": "x"}),
        (["UnitPrefix"], {"symbol": "x", "exponent": 3}),
        (["UnitPrefix"], {"symbol": "x", "exponent": -3}),
        (["UnitPrefix"], {"symbol": "x", "exponent": 3.0}),
        (["UnitPrefix"], {"symbol": "x", "exponent": 3.5}),
        (["UnitPrefix"], {"symbol": "x", "exponent": 30_000_000_000}),
        (["UnitPrefix"], {"symbol": "x", "exponent": "3"}),
        (["UnitPrefix"], {"symbol": "x"}),
        (["UnitPrefix"], {"exponent": 3}),
        (["DecimalUnit", "SymbolicUnit"], {"baseUnit": "metre", "symbol": "x"}),
        (["DecimalUnit", "BinaryUnit"], {"baseUnit": "metre"}),
        (["UnitPrefix", "SymbolicUnit"], {"exponent": 3, "symbol": "x"}),
        ([], {"baseUnit": "metre"}),
        ([], {"symbol": "x"}),
    ):
        choice = {"name": "f", "@type": ["EnumValue", *types], "enumValue": "f", **members}
        schema = {"@type": "Enum", "valueSchema": "string", "enumValues": [choice]}
        yield interface([DTDL_3, QUANTITATIVE], value([], schema))
        yield interface([DTDL_2, QUANTITATIVE], value([], schema))
    own = {"@id": "dtmi:example:own;1", "name": "o", "enumValue": "o", "@type": ["EnumValue", "SymbolicUnit"]}
    scaled = {"name": "k", "enumValue": "k", "@type": ["EnumValue", "DecimalUnit"], "baseUnit": own["@id"]}
    for symbol in ("x", 5):
        schema = {"@type": "Enum", "valueSchema": "string", "enumValues": [{**own, "symbol": symbol}, scaled]}
        yield interface([DTDL_3, QUANTITATIVE], value([], schema))
    for types in (["DecimalUnit"], ["BinaryUnit"]):
        yield interface([DTDL_3, QUANTITATIVE], value(types, "double", baseUnit="metre"))
        yield interface([DTDL_3, QUANTITATIVE], {"@type": ["Command", *types], "name": "c", "baseUnit": "metre"})
        yield interface([DTDL_3, QUANTITATIVE], **{"@type": ["Interface", *types], "baseUnit": "metre"})
    for term in ("kilo", "DecimalPrefix", "metre", "LengthUnit"):
        yield interface([DTDL_3, QUANTITATIVE], value([], term))
    yield interface([DTDL_3, QUANTITATIVE], value(["Length"], "double", unit="kilo"))


def relationship_targets() -> Iterator[Batch]:
    """Targets that are terms: what they stand for has a version or not."""
    for context, targets in (
        ([DTDL_2, QUANTITATIVE], ["ApparentEnergy", "ampereHour", "metre", "kilo", "prefix", "unit", "LengthUnit"]),
        ([DTDL_3, QUANTITATIVE], ["ApparentEnergy", "ampereHour", "metre", "kilo"]),
        ([DTDL_2, ANNOTATION], ["ValueAnnotation", "annotates"]),
        ([DTDL_2, HISTORIZATION], ["Historized"]),
        ([DTDL_2, IOT_CENTRAL], ["vector", "Event"]),
        ([DTDL_2], ["Property", "double", "dtmi:example:B", "dtmi:dtdl:nothing;2", "nothing"]),
        ([DTDL_3], ["Property", "double", "dtmi:example:B", "dtmi:dtdl:nothing;3", "nothing"]),
    ):
        for target in targets:
            yield interface(context, {"@type": "Relationship", "name": "r", "target": target})
