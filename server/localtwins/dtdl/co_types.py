"""Supplemental types: what else than a DTDL class may stand in `@type`, and the properties that it brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localtwins.dtdl.metamodel import Duration, Elements, Field, Integer, Reference, Text
from localtwins.dtdl.semantic_types import SEMANTIC_TYPES
from localtwins.dtdl.vocabulary import (
    ANNOTATION,
    EXTENSION_TERMS,
    HISTORIZATION,
    MQTT,
    OVERRIDING,
    QUANTITATIVE_TYPES,
    TERMS,
)


@dataclass(frozen=True, slots=True)
class CoType:
    """One supplemental type.

    `kinds` and `dtdl_version` say what it may be put on, `properties` map full DTMIs to what they take, `requires`
    names a co-type that must stand beside it. `unit_group` is set on semantic types: the DTMI of the units they take.
    """

    name: str
    dtdl_version: int
    kinds: frozenset[str]
    properties: Mapping[str, Field] = field(default_factory=dict)
    requires: str | None = None
    unit_group: str | None = None


_QUANTITATIVE = EXTENSION_TERMS[QUANTITATIVE_TYPES]
UNIT_PROPERTIES = {2: TERMS[2]["unit"], 3: _QUANTITATIVE["unit"]}
VALUE_ANNOTATION = EXTENSION_TERMS[ANNOTATION]["ValueAnnotation"]
ANNOTATES = EXTENSION_TERMS[ANNOTATION]["annotates"]
OVERRIDE = EXTENSION_TERMS[OVERRIDING]["Override"]
OVERRIDES = EXTENSION_TERMS[OVERRIDING]["overrides"]

_VALUED = frozenset(["Property", "Telemetry"])


def _semantic_types() -> dict[str, CoType]:
    unit_of = {2: Elements(frozenset(["Unit"]), frozenset(), minimum=1), 3: Elements(frozenset(["EnumValue"]), frozenset(), minimum=1)}
    kinds_of = {2: _VALUED, 3: _VALUED | {"CommandRequest", "CommandResponse", "Field", "MapValue"}}
    found = {}
    for version, terms in ((2, TERMS[2]), (3, _QUANTITATIVE)):
        for name, unit_type in SEMANTIC_TYPES[version].items():
            unit = {UNIT_PROPERTIES[version]: unit_of[version]}
            found[terms[name]] = CoType(name, version, kinds_of[version], unit, unit_group=terms[unit_type])
    return found


def _mqtt_types() -> dict[str, CoType]:
    terms = EXTENSION_TERMS[MQTT]
    topics = {terms["commandTopic"]: Text(is_topic=True), terms["telemetryTopic"]: Text(is_topic=True)}
    found = (
        CoType("Mqtt", 3, frozenset(["Interface"]), topics | {terms["payloadFormat"]: Text(required=True)}),
        CoType("Idempotent", 3, frozenset(["Command"])),
        CoType("Cacheable", 3, frozenset(["Command"]), {terms["ttl"]: Duration(required=True)}, terms["Idempotent"]),
        CoType("Indexed", 3, frozenset(["EnumValue", "Field", "Telemetry"]), {terms["index"]: Integer(1, required=True)}),
    )
    return {terms[co_type.name]: co_type for co_type in found}


# DTMI -> co-type
CO_TYPES: Mapping[str, CoType] = {
    **_semantic_types(),
    VALUE_ANNOTATION: CoType("ValueAnnotation", 3, _VALUED, {ANNOTATES: Text(required=True)}),
    OVERRIDE: CoType("Override", 3, frozenset(["Property"]), {OVERRIDES: Reference(required=True)}, VALUE_ANNOTATION),
    EXTENSION_TERMS[HISTORIZATION]["Historized"]: CoType("Historized", 3, _VALUED),
    **_mqtt_types(),
}
