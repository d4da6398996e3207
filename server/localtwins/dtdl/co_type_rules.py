"""Rules of co-types: units that fit, numeric schemas, annotations that annotate something."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

from localtwins.dtdl.co_types import UNIT_PROPERTIES, CoType
from localtwins.dtdl.element import Element
from localtwins.dtdl.errors import shown
from localtwins.dtdl.inheritance import Inheritance
from localtwins.dtdl.model_graph import ModelGraph
from localtwins.dtdl.vocabulary import STANDARD_ELEMENTS


def check_co_types(graph: ModelGraph, inheritance: Inheritance) -> None:
    """Reports co-types of the batch's elements that do not fit the element that they stand on."""
    annotations = _Annotations(graph, inheritance)
    for element in graph.batch:
        for co_type in element.co_types.values():
            _check_schema(graph, element, co_type)
            _check_unit(graph, element, co_type)
        if element.kind == "Interface":
            annotations.check(element)
        elif element.kind == "Relationship":
            own = {child.name: child for child in graph.children(element, "properties") if child.name is not None}
            annotating = _by_annotated_name(own)
            for name, elements in annotating.items():
                if name in own:
                    _check_annotations(graph, element, elements, own[name])


def _by_annotated_name(contents: Mapping[str, Element]) -> dict[str, list[Element]]:
    """Gives those of the contents that annotate, under the name that they annotate."""
    found: dict[str, list[Element]] = {}
    for content in contents.values():
        annotated = _value_of(content, "annotates") if content.co_types else None
        if annotated is not None:
            found.setdefault(annotated, []).append(content)
    return found


def _one_of_each(annotating: Iterable[Element]) -> list[Element]:
    """Leaves out annotations that fit a content if, and only if, others do: of those that override alike two remain."""
    counts: Counter[str | None] = Counter()
    kept = []
    for element in annotating:
        overrides = _value_of(element, "overrides")
        if counts[overrides] < (1 if overrides is None else 2):
            kept.append(element)
        counts[overrides] += 1
    return kept


class _Annotations:
    """Checks annotations of interfaces against the contents that they annotate.

    Inherited annotations are checked too: an heir may bring the content that an ancestor's annotation names. What meets
    in a parent already was checked there, so an heir looks at its own contents alone; one with several parents also at
    the names that more than one interface has or annotates.
    """

    def __init__(self, graph: ModelGraph, inheritance: Inheritance) -> None:
        self._graph = graph
        self._own = inheritance.own
        self._inherited = inheritance.inherited
        self._annotating = {dtmi: _by_annotated_name(own) for dtmi, own in self._own.items()}
        self._to_heirs = {
            dtmi: {name: _one_of_each(elements) for name, elements in annotating.items()}
            for dtmi, annotating in self._annotating.items()
        }
        # Interfaces by each name that is annotated: those that annotate it, and those that have it.
        self._annotators: dict[str, set[str]] = {}
        self._owners: dict[str, set[str]] = {}
        for dtmi, annotating in self._annotating.items():
            for name in annotating:
                self._annotators.setdefault(name, set()).add(dtmi)
                self._owners[name] = set()
        for dtmi, own in self._own.items():
            for name in own.keys() & self._owners.keys():
                self._owners[name].add(dtmi)
        self._shared = {
            dtmi: [name for name in annotating if len(self._annotators[name] | self._owners[name]) > 1]
            for dtmi, annotating in self._annotating.items()
        }

    def check(self, interface: Element) -> None:
        """Checks what an interface brings together."""
        if not self._annotators:
            return
        lineage = self._inherited[interface.id].lineage
        above = [
            frozenset(self._inherited[parent].lineage)
            for parent in dict.fromkeys(interface.children.get("extends", ()))
            if parent in self._inherited
        ]
        names = dict.fromkeys(name for name in self._own[interface.id] if name in self._annotators)
        names.update(dict.fromkeys(self._annotating[interface.id]))
        if len(above) > 1:
            names.update(dict.fromkeys(name for ancestor in lineage for name in self._shared[ancestor]))
        within = frozenset(lineage)
        for name in names:
            annotators = sorted(self._annotators[name] & within)
            owner = min(self._owners[name] & within, default=None)
            if not annotators or owner is None:
                continue  # the official parser lets a name pass that no sibling has
            if not any(parent.issuperset([owner, *annotators]) for parent in above):
                self._graph.checkpoint()
                _check_annotations(
                    self._graph, interface, self._meeting(interface, annotators, name), self._own[owner][name]
                )

    def _meeting(self, interface: Element, annotators: list[str], name: str) -> list[Element]:
        by_annotator = (
            self._annotating[dtmi][name] if dtmi == interface.id else self._to_heirs[dtmi][name] for dtmi in annotators
        )
        return list(chain.from_iterable(by_annotator))


def _check_annotations(graph: ModelGraph, parent: Element, annotating: list[Element], annotated: Element) -> None:
    """Checks the annotations of one content, all those that `parent` has."""
    overridden: set[str] = set()
    for element in annotating:
        if not (graph.problems.takes(element.document) or graph.problems.takes(parent.document)):
            return
        _check_annotation(graph, element, annotated)
        overrides = _value_of(element, "overrides")
        if overrides is not None:
            if overrides in overridden:
                what = f"overrides the same property of '{shown(annotated.name or '')}'"
                graph.report(parent, "multipleReference", f"has more than one element that {what}.")
            overridden.add(overrides)
            _check_override(graph, element, annotated, overrides)


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
