"""Rules of co-types: units that fit, numeric schemas, annotations that annotate something."""

from localtwins.dtdl.co_types import UNIT_PROPERTIES, CoType
from localtwins.dtdl.element import Element
from localtwins.dtdl.errors import shown
from localtwins.dtdl.inheritance import Inheritance
from localtwins.dtdl.model_graph import ModelGraph
from localtwins.dtdl.vocabulary import STANDARD_ELEMENTS


def check_co_types(graph: ModelGraph, inheritance: Inheritance) -> None:
    """Reports co-types of the batch's elements that do not fit the element that they stand on."""
    annotations = {
        dtmi: any(_value_of(content, "annotates") is not None for content in own.values())
        for dtmi, own in inheritance.own.items()
    }
    for element in graph.batch:
        for co_type in element.co_types.values():
            _check_schema(graph, element, co_type)
            _check_unit(graph, element, co_type)
        if element.kind == "Interface":
            if any(annotations[ancestor] for ancestor in inheritance.inherited[element.id].lineage):
                graph.checkpoint()
                _check_annotations(graph, element, list(inheritance.contents(element.id)))
        elif element.kind == "Relationship":
            _check_annotations(graph, element, list(graph.children(element, "properties")))


def _check_annotations(graph: ModelGraph, parent: Element, elements: list[Element]) -> None:
    """Checks annotations against the contents that they annotate.

    Inherited annotations are checked anew: an heir may bring the content that an ancestor's annotation names.
    """
    siblings = {element.name: element for element in reversed(elements) if element.name is not None}
    overridden: set[tuple[str, str]] = set()
    for element in siblings.values():
        annotated = _value_of(element, "annotates")
        sibling = siblings.get(annotated) if annotated is not None else None
        if annotated is None or sibling is None:
            continue  # the official parser lets a name pass that no sibling has
        _check_annotation(graph, element, sibling)
        overrides = _value_of(element, "overrides")
        if overrides is not None:
            if (annotated, overrides) in overridden:
                message = f"has more than one element that overrides the same property of '{shown(annotated)}'."
                graph.report(parent, "multipleReference", message)
            overridden.add((annotated, overrides))
            _check_override(graph, element, sibling, overrides)


def _check_schema(graph: ModelGraph, element: Element, co_type: CoType) -> None:
    schema = element.child("schema")
    if schema is None:
        return
    if co_type.schema_kinds is not None and graph.kind(schema) not in co_type.schema_kinds | {None}:
        kinds = " or ".join(sorted(kind.lower() for kind in co_type.schema_kinds))
        graph.report(element, "notRequiredType", f"has @type {co_type.name}, so its schema must be {kinds}.")
    if co_type.schemas is not None and schema not in co_type.schemas:
        terms = " or ".join(sorted(dtmi.rpartition(":")[2].partition(";")[0] for dtmi in co_type.schemas))
        graph.report(element, "notRequiredValue", f"has @type {co_type.name}, so its schema must be {terms}.")


def _check_unit(graph: ModelGraph, element: Element, co_type: CoType) -> None:
    unit = element.child(UNIT_PROPERTIES[co_type.dtdl_version]) if co_type.unit_group is not None else None
    if unit is not None and unit in STANDARD_ELEMENTS and co_type.unit_group not in STANDARD_ELEMENTS[unit].groups:
        rule = "notRequiredType" if co_type.dtdl_version == 2 else "wrongParent"  # noqa: PLR2004  (the DTDL version)
        graph.report(element, rule, f"property 'unit' has a value that is not a unit of {co_type.name}.")


def _check_annotation(graph: ModelGraph, element: Element, sibling: Element) -> None:
    if sibling.kind not in {"Property", "Telemetry"}:
        message = f"property 'annotates' names '{shown(sibling.name or '')}', which is not a Property or Telemetry."
        graph.report(element, "notSiblingRequiredType", message)
    if _value_of(sibling, "annotates") is not None:
        message = f"property 'annotates' names '{shown(sibling.name or '')}', which is a ValueAnnotation itself."
        graph.report(element, "disallowedType", message)


def _check_override(graph: ModelGraph, element: Element, sibling: Element, overrides: str) -> None:
    overridden = [co_type for co_type in sibling.co_types.values() if overrides in co_type.properties]
    if not overridden:
        message = f"property 'overrides' names a property that no co-type of '{shown(sibling.name or '')}' brings."
        graph.report(element, "noMatchingSupplementalProperty", message)
    for co_type in overridden:
        expected = co_type.unit_group if overrides in UNIT_PROPERTIES.values() else None
        if element.child("schema") not in {expected, None}:
            message = f"property 'schema' is not what '{shown(sibling.name or '')}' takes for the overridden property."
            graph.report(element, "siblingPropertyMismatch", message)


def _value_of(element: Element, name: str) -> str | None:
    """Gives the value of a co-type's property by its name, whatever the extension's version."""
    for co_type in element.co_types.values():
        for dtmi in co_type.properties:
            value = element.literals.get(dtmi)
            if dtmi.endswith(f":{name}") and isinstance(value, str):
                return value
    return None
