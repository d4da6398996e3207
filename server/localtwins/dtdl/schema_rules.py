"""Rules on complex schemas: unique names and values, counts, nesting."""

from collections import Counter
from typing import Final

from localtwins.dtdl.element import Element
from localtwins.dtdl.errors import shown
from localtwins.dtdl.limits import LIMITS
from localtwins.dtdl.metamodel import COMPLEX_SCHEMAS
from localtwins.dtdl.model_graph import ModelGraph
from localtwins.dtdl.ordering import dependencies_first
from localtwins.dtdl.vocabulary import GEOSPATIAL_SCHEMAS, STANDARD_ELEMENTS

_NESTED: Final = {"Object": "fields", "Map": "mapValue"}
"""Places of the schemas inside a complex schema: in itself, or one element further down."""


def check_schemas(graph: ModelGraph) -> None:
    """Reports what is wrong with the batch's schemas."""
    for element in graph.batch:
        limits = LIMITS[element.dtdl_version]
        if element.kind == "Enum":
            _check_enum(graph, element)
            _check_count(graph, element, "enumValues", limits.enum_values)
        elif element.kind == "Object":
            _check_unique(graph, element, "fields", "name")
            _check_count(graph, element, "fields", limits.fields)
        elif element.kind == "Relationship":
            _check_unique(graph, element, "properties", "name")
            _check_count(graph, element, "properties", limits.relationship_properties)
    below = {element.id: _schemas_below(graph, element) for element in graph.batch if element.kind in COMPLEX_SCHEMAS}
    order = dependencies_first(below)
    _check_nesting(graph, order, below)
    _check_no_arrays(graph, order, below)


def _check_enum(graph: ModelGraph, element: Element) -> None:
    _check_unique(graph, element, "enumValues", "name")
    _check_unique(graph, element, "enumValues", "enumValue")
    value_schema = element.child("valueSchema")
    kind = graph.kind(value_schema) if value_schema is not None else None
    if kind is None:
        return
    if kind not in {"Integer", "String"}:
        message = "property 'valueSchema' has a value that is not 'integer' or 'string'."
        graph.report(element, "incorrectPropertyValue", message)
        return
    expected = int if kind == "Integer" else str
    for choice in graph.children(element, "enumValues"):
        value = choice.literals.get("enumValue")
        if value is not None and type(value) is not expected:
            message = f"property 'enumValue' has a value that is not of valueSchema {kind.lower()}."
            graph.report(choice, "nonConformantDatatype", message)


def _check_unique(graph: ModelGraph, element: Element, term: str, key: str) -> None:
    values = [
        (type(value), value)
        for child in graph.children(element, term)
        if (value := child.literals.get(key)) is not None
    ]
    if len(set(values)) == len(values):
        return
    for (_, value), count in Counter(values).items():
        if count > 1:
            what = f"whose property '{key}' has value '{shown(str(value))}'"
            message = f"property '{term}' contains more than one element {what}."
            graph.report(element, "nonUniquePropertyValue", message)


def _check_count(graph: ModelGraph, element: Element, term: str, maximum: int | None) -> None:
    count = len(set(element.children.get(term, ())))
    if maximum is not None and count > maximum:
        message = f"property '{term}' has {count} values but no more than {maximum} are allowed."
        graph.report(element, "objectCountAboveMax", message)


def _schemas_below(graph: ModelGraph, element: Element) -> tuple[str, ...]:
    if element.kind == "Array":
        return element.children.get("elementSchema", ())
    holders = graph.children(element, _NESTED[element.kind]) if element.kind in _NESTED else iter(())
    return tuple([schema for holder in holders for schema in holder.children.get("schema", ())])


def _check_nesting(graph: ModelGraph, order: list[str], below: dict[str, tuple[str, ...]]) -> None:
    depths = {dtmi: standard.schema_depth for dtmi, standard in STANDARD_ELEMENTS.items()}
    for schema in order:
        depths[schema] = max((depths.get(inner, 0) + 1 for inner in below[schema]), default=0)
    for schema in below:
        element = graph.elements[schema]
        limit = LIMITS[element.dtdl_version].schema_depth
        if schema not in depths:
            graph.report(element, "recursiveStructureWide", "contains itself through its schemas.")
        elif depths[schema] > limit:
            graph.report(element, "excessiveDepthWide", f"has schemas nested more than {limit} levels deep.")


def _check_no_arrays(graph: ModelGraph, order: list[str], below: dict[str, tuple[str, ...]]) -> None:
    """Finds properties of DTDL 2 with an array in their schema; geospatial schemas are arrays underneath."""
    with_array = set(GEOSPATIAL_SCHEMAS)
    for schema in order:
        if graph.elements[schema].kind == "Array" or not with_array.isdisjoint(below[schema]):
            with_array.add(schema)
    for element in graph.batch:
        if element.kind == "Property" and element.dtdl_version == 2 and element.child("schema") in with_array:  # noqa: PLR2004  (the DTDL version)
            message = "property 'schema' leads to an Array, which a Property may not have in DTDL version 2."
            graph.report(element, "excludedType", message)
