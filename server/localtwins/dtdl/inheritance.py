"""Rules between interfaces: what they inherit, how deep, and what their components are."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from localtwins.dtdl.element import Element
from localtwins.dtdl.errors import shown
from localtwins.dtdl.limits import LIMITS
from localtwins.dtdl.model_graph import ModelGraph
from localtwins.dtdl.ordering import dependencies_first


@dataclass(frozen=True, slots=True)
class Inherited:
    """Counts what an interface has above it: steps up, interfaces once for each way to them.

    The contents of the ancestors are not put together here: many interfaces may extend one with thousands of contents.

    Attributes:
        lineage: the ids of the interface itself and of all its ancestors.
    """

    lineage: tuple[str, ...]
    depth: int = 0
    ancestors: int = 0


class Inheritance:
    """Knows the interfaces of a graph, each with its own contents and with those of its ancestors.

    To make one reports problems between interfaces, and of the names of their contents.
    """

    def __init__(self, graph: ModelGraph) -> None:
        self._graph = graph
        self._interfaces = {element.id: element for element in graph.elements.values() if element.kind == "Interface"}
        self.own = {dtmi: self._own_contents(element) for dtmi, element in self._interfaces.items()}
        owners = Counter(name for contents in self.own.values() for name in contents)
        # The names that an interface shares with any other one.
        self._contested = {
            dtmi: frozenset(name for name in contents if owners[name] > 1) for dtmi, contents in self.own.items()
        }
        self._with_component = {
            dtmi for dtmi, own in self.own.items() if any(content.kind == "Component" for content in own.values())
        }
        self.inherited: dict[str, Inherited] = {}
        self._inherit_all()
        self._check_components()

    def _own_contents(self, interface: Element) -> dict[str, Element]:
        own: dict[str, Element] = {}
        for content in self._graph.children(interface, "contents"):
            if content.name is not None and own.setdefault(content.name, content) is not content:
                message = f"property 'contents' contains more than one '{shown(content.name)}'."
                self._report(interface, "nonUniquePropertyValue", message)
        return own

    def _inherit_all(self) -> None:
        parents = {
            dtmi: [parent for parent in element.children.get("extends", ()) if parent in self._interfaces]
            for dtmi, element in self._interfaces.items()
        }
        for dtmi in dependencies_first(parents):
            self._graph.checkpoint()
            self.inherited[dtmi] = self._inherit(
                self._interfaces[dtmi], [self.inherited[parent] for parent in parents[dtmi]]
            )
        for dtmi, element in self._interfaces.items():
            if dtmi not in self.inherited:
                self.inherited[dtmi] = Inherited((dtmi,))
                self._graph.report(
                    element, "recursiveStructureNarrow", "property 'extends' leads back to where it started."
                )

    def _inherit(self, interface: Element, parents: list[Inherited]) -> Inherited:
        limits = LIMITS[interface.dtdl_version]
        depth = max((parent.depth + 1 for parent in parents), default=0)
        ancestors = sum(parent.ancestors + 1 for parent in parents)
        alone = Inherited((interface.id,), depth, ancestors)
        self._check_count(interface, "extends", len(set(interface.children.get("extends", ()))), limits.parents)
        if depth > limits.extends_depth:
            message = f"is more than {limits.extends_depth} steps of 'extends' below an ancestor."
            self._report(interface, "excessiveDepthNarrow", message)
            return alone
        if limits.ancestors is not None and ancestors > limits.ancestors:
            message = f"has {ancestors} interfaces above it but no more than {limits.ancestors} are allowed."
            self._report(interface, "excessiveCount", message)
            return alone
        above = dict.fromkeys(ancestor for parent in parents for ancestor in parent.lineage)
        inherited = Inherited((interface.id, *above), depth, ancestors)
        self._check_names(interface, inherited, parents)
        count = sum(len(self.own[ancestor]) for ancestor in inherited.lineage)
        self._check_count(interface, "contents", count, limits.contents)
        return inherited

    def _check_names(self, interface: Element, inherited: Inherited, parents: list[Inherited]) -> None:
        """Finds names that two of a lineage have.

        Where one of the parents already has them both, it was told so itself, and its heirs are not told again.
        """
        if interface.document is None:
            return
        seen: set[str] = set()
        for ancestor in inherited.lineage:
            contested = self._contested[ancestor]
            if not seen.isdisjoint(contested):  # in almost all models there is no need to look closer
                self._tell_names(interface, inherited, parents)
                return
            seen |= contested

    def _tell_names(self, interface: Element, inherited: Inherited, parents: list[Inherited]) -> None:
        lineages = [frozenset(parent.lineage) for parent in parents]
        found: dict[str, str] = {}
        for ancestor in inherited.lineage:
            for name in self.own[ancestor]:
                if name not in self._contested[ancestor]:
                    continue
                other = found.setdefault(name, ancestor)
                if self.own[other][name] is self.own[ancestor][name]:  # one element, by its id, stands in both
                    continue
                if not any(other in lineage and ancestor in lineage for lineage in lineages):
                    where = "in 'contents', at least one of them through 'extends'"
                    message = f"has more than one '{shown(name)}' {where}."
                    self._report(interface, "nonUniqueImportedPropertyValue", message)
                    if not self._graph.problems.takes(interface.document):
                        return

    def _check_components(self) -> None:
        for element in self._graph.batch:
            schema = element.child("schema") if element.kind == "Component" else None
            if schema in self.inherited and not self._with_component.isdisjoint(self.inherited[schema].lineage):
                message = f"property 'schema' leads to {shown(schema)}, which has a Component itself."
                self._graph.report(element, "excludedType", message)

    def _check_count(self, interface: Element, term: str, count: int, maximum: int | None) -> None:
        if maximum is not None and count > maximum:
            message = f"property '{term}' has {count} values but no more than {maximum} are allowed."
            self._report(interface, "objectCountAboveMax", message)

    def _report(self, interface: Element, rule: str, message: str) -> None:
        """Adds a problem of an interface, unless it is a stored one, which counts as valid."""
        if interface.document is not None:
            self._graph.report(interface, rule, message)


_COUNTED: Final = {
    "contents",
    "fields",
    "enumValues",
    "request",
    "response",
    "properties",
    "schema",
    "elementSchema",
    "mapValue",
}


def check_element_counts(graph: ModelGraph, inheritance: Inheritance) -> None:
    """Reports interfaces with too many elements in all.

    Only models without other problems are counted.
    """
    counts: dict[str, int] = {}
    own_counts: dict[str, int] = {}

    def count(element: Element) -> int:
        if element.id not in counts:
            if element.kind == "Interface":
                counts[element.id] = sum(own_count(ancestor) for ancestor in inheritance.inherited[element.id].lineage)
            else:
                held = [child for term, ids in element.children.items() if term in _COUNTED for child in ids]
                inside = [graph.elements[child] for child in held if child in graph.elements]
                standard = len(held) - len(inside)
                counts[element.id] = standard + sum(1 + count(child) for child in inside)
        return counts[element.id]

    def own_count(interface: str) -> int:
        if interface not in own_counts:
            own_counts[interface] = sum(1 + count(content) for content in inheritance.own[interface].values())
        return own_counts[interface]

    for element in graph.batch:
        maximum = LIMITS[element.dtdl_version].elements
        if element.kind == "Interface" and maximum is not None and count(element) > maximum:
            message = f"has {count(element)} elements in all but no more than {maximum} are allowed."
            graph.report(element, "excessiveCount", message)
