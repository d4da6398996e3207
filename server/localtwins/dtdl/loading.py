"""`Interface` objects from valid DTDL, which is not checked again."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from localtwins.dtdl import json_ld
from localtwins.dtdl.geojson import GEOMETRIES
from localtwins.dtdl.interface import Command, Component, Interface, Property, Relationship, Telemetry
from localtwins.dtdl.lineage import lineage
from localtwins.dtdl.schemas import (
    PRIMITIVES,
    ArraySchema,
    EnumSchema,
    Geospatial,
    MapSchema,
    ObjectSchema,
    Primitive,
    Schema,
)
from localtwins.dtdl.semantic_types import UNIT_PREFIXES, UNITS
from localtwins.dtdl.vocabulary import IOT_CENTRAL_SCHEMAS

Resolver = Callable[[str], Mapping[str, Any] | None]
Checkpoint = Callable[[], None]
"""Is called often in the course of long work; what it raises ends the work."""

_STANDARD_SCHEMAS: Final[dict[str, Schema]] = {
    **{name: Primitive(name) for name in PRIMITIVES},
    **{name: Geospatial(name) for name in GEOMETRIES},
    # An annotation that overrides a unit has the units of one type for its values.
    **{name: EnumSchema("string", values) for name, values in (UNITS[3] | UNIT_PREFIXES).items()},
    "EnergyRateUnit": EnumSchema("string", UNITS[3]["PowerUnit"]),
    **{
        name: ObjectSchema({field: Primitive("double") for field in fields})
        for name, fields in IOT_CENTRAL_SCHEMAS.items()
    },
}


def no_checkpoint() -> None:
    """Lets work go on to its end."""


def load(document: Mapping[str, Any], resolve: Resolver | None = None) -> Interface:
    """Builds the Interface of a document that `parse` accepted before.

    For anything but valid DTDL the outcome is undefined.

    Args:
        document: the DTDL of the interface.
        resolve: gives the documents of all its ancestors.
    """
    return load_on(document, Loader(resolve or (lambda _: None)).load)


def load_on(
    document: Mapping[str, Any], parent: Callable[[str], Interface], checkpoint: Checkpoint = no_checkpoint
) -> Interface:
    """Builds the Interface of a document on those that it extends; see `load`.

    Args:
        document: the DTDL of the interface.
        parent: gives the interfaces that it extends.
        checkpoint: called often; what it raises ends the work.
    """
    element = json_ld.by_term(dict(document))
    parents = dict.fromkeys(json_ld.flattened(element.get("extends", [])))
    return _Reading(element, checkpoint).interface([parent(interface_id) for interface_id in parents])


class Loader:
    """Builds interfaces and remembers them, so that common ancestors are built once.

    Args:
        resolve: gives the documents of all that are loaded and of their ancestors.
        checkpoint: called often; what it raises ends the work.
    """

    def __init__(self, resolve: Resolver, checkpoint: Checkpoint = no_checkpoint) -> None:
        self._resolve = resolve
        self._checkpoint = checkpoint
        self._loaded: dict[str, Interface] = {}

    def load(self, interface_id: str) -> Interface:
        """Builds an Interface, and those that it extends.

        Raises:
            LookupError: one of them is not there.
        """
        if interface_id not in self._loaded:
            document = self._resolve(interface_id)
            if document is None:
                message = f"the model {interface_id} that another model extends is not there"
                raise LookupError(message)
            self._loaded[interface_id] = load_on(document, self.load, self._checkpoint)
        return self._loaded[interface_id]


class _Reading:
    """Reads one document."""

    def __init__(self, element: dict[str, Any], checkpoint: Checkpoint) -> None:
        self._root = element
        self._checkpoint = checkpoint
        self._elements_by_id: dict[str, dict[str, Any]] | None = None
        # By the identity of what the document has there: references may meet at an element from everywhere.
        self._schemas: dict[int, Schema] = {}

    def interface(self, parents: list[Interface]) -> Interface:
        root = self._root
        properties: dict[str, Property] = {}
        telemetries: dict[str, Telemetry] = {}
        relationships: dict[str, Relationship] = {}
        components: dict[str, Component] = {}
        commands: dict[str, Command] = {}
        bases = {root["@id"]}.union(*(parent.bases for parent in parents))
        dependencies = {parent.id for parent in parents}
        for content in self._elements(root.get("contents", [])):
            self._checkpoint()
            kinds = set(json_ld.types(content))
            name = json_ld.plain(content["name"])
            if "Property" in kinds:
                properties[name] = Property(name, self._schema(content["schema"]))
            elif "Telemetry" in kinds:
                telemetries[name] = Telemetry(name, self._schema(content["schema"]))
            elif "Relationship" in kinds:
                relationships[name] = self._relationship(name, content)
            elif "Component" in kinds:
                components[name] = Component(name, json_ld.single(content["schema"]))
                dependencies.add(components[name].schema)
            else:
                commands[name] = Command(name)
        return Interface(
            id=root["@id"],
            dtdl_version=json_ld.dtdl_version(root),
            display_name=json_ld.language_map(root.get("displayName", [])),
            description=json_ld.language_map(root.get("description", [])),
            extends=tuple(parent.id for parent in parents),
            properties=lineage(properties, [parent.properties for parent in parents]),
            telemetries=lineage(telemetries, [parent.telemetries for parent in parents]),
            relationships=lineage(relationships, [parent.relationships for parent in parents]),
            components=lineage(components, [parent.components for parent in parents]),
            commands=lineage(commands, [parent.commands for parent in parents]),
            bases=frozenset(bases),
            dependencies=frozenset(dependencies),
        )

    def _relationship(self, name: str, element: dict[str, Any]) -> Relationship:
        properties = {}
        for prop in self._elements(element.get("properties", [])):
            property_name = json_ld.plain(prop["name"])
            properties[property_name] = Property(property_name, self._schema(prop["schema"]))
        return Relationship(name, json_ld.single(element.get("target", [])), properties)

    def _schema(self, value: object) -> Schema:
        """Gives the schema that stands there; each element is built once, however many references lead to it."""
        value = json_ld.single(value)
        if isinstance(value, str):
            known = _STANDARD_SCHEMAS.get(value) or _STANDARD_SCHEMAS.get(json_ld.schema_term(value))
            if known is not None:
                return known
        source = self._source(value)
        schema = self._schemas.get(id(source))
        if schema is None:
            schema = self._schemas[id(source)] = self._built(json_ld.by_term(source))
        return schema

    def _built(self, element: dict[str, Any]) -> Schema:
        kinds = set(json_ld.types(element))
        if "Array" in kinds:
            return ArraySchema(self._schema(element["elementSchema"]))
        if "Map" in kinds:
            map_value = self._element(json_ld.single(element["mapValue"]))
            return MapSchema(self._schema(map_value["schema"]))
        if "Enum" in kinds:
            values = [json_ld.plain(choice["enumValue"]) for choice in self._elements(element.get("enumValues", []))]
            return EnumSchema(json_ld.schema_term(json_ld.single(element["valueSchema"])), frozenset(values))
        fields = self._elements(element.get("fields", []))
        return ObjectSchema({json_ld.plain(field["name"]): self._schema(field["schema"]) for field in fields})

    def _elements(self, values: object) -> Iterator[dict[str, Any]]:
        return (self._element(value) for value in json_ld.flattened(values))

    def _element(self, value: Any) -> dict[str, Any]:
        return json_ld.by_term(self._source(value))

    def _source(self, value: Any) -> dict[str, Any]:
        """Gives the element that stands there, or that the DTMI standing there refers to within this document."""
        if isinstance(value, dict):
            return value
        if self._elements_by_id is None:
            self._elements_by_id = _elements_by_id(self._root)
        return self._elements_by_id[value]


def _elements_by_id(root: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    waiting: list[Any] = list(root.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            if isinstance(value.get("@id"), str):
                found[value["@id"]] = value
            waiting.extend(value.values())
    return found
