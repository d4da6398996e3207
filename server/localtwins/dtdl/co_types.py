"""Supplemental types: what else than a DTDL class may stand in `@type`, and the properties that it brings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localtwins.dtdl.metamodel import Elements, Field, Reference, Text
from localtwins.dtdl.semantic_types import SEMANTIC_TYPES
from localtwins.dtdl.vocabulary import EXTENSION_TERMS, QUANTITATIVE_TYPES, TERMS


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

_VALUED = frozenset(["Property", "Telemetry"])


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
            found[terms[name]] = CoType(name, version, kinds_of[version], unit, unit_group=terms[unit_type])
    return found


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


# DTMI -> co-type
CO_TYPES: Mapping[str, CoType] = _semantic_types() | _annotation_types()
