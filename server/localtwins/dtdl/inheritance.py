"""Rules between interfaces: what they inherit, how deep, and what their components are."""

from dataclasses import dataclass, field

from localtwins.dtdl.element import Element
from localtwins.dtdl.limits import LIMITS
from localtwins.dtdl.model_graph import ModelGraph
from localtwins.dtdl.ordering import dependencies_first


@dataclass(slots=True)
class Inherited:
    """What an interface has with all its ancestors: steps up, interfaces above, contents by name."""

    depth: int = 0
    ancestors: int = 0
    contents: dict[str, Element] = field(default_factory=dict)


def check_interfaces(graph: ModelGraph) -> dict[str, Inherited]:
    """Report what is wrong between interfaces; answers what each has, inherited contents included."""
    interfaces = {element.id: element for element in graph.elements.values() if element.kind == "Interface"}
    parents = {
        dtmi: [p for p in element.children.get("extends", ()) if p in interfaces]
        for dtmi, element in interfaces.items()
    }
    batch = {element.id for element in graph.batch}
    found: dict[str, Inherited] = {}
    for dtmi in dependencies_first(parents):
        problems = _Problems(graph, interfaces[dtmi], in_batch=dtmi in batch)
        found[dtmi] = _inherit(graph, interfaces[dtmi], [found[parent] for parent in parents[dtmi]], problems)
    for dtmi, element in interfaces.items():
        if dtmi not in found:
            found[dtmi] = Inherited()
            graph.report(element, "recursiveStructureNarrow", "property 'extends' leads back to where it started.")
    for element in graph.batch:
        schema = element.child("schema") if element.kind == "Component" else None
        if schema in found and any(content.kind == "Component" for content in found[schema].contents.values()):
            graph.report(element, "excludedType", f"property 'schema' leads to {schema}, which has a Component itself.")
    return found


@dataclass(frozen=True, slots=True)
class _Problems:
    """Takes the problems of one interface, and none of a stored one."""

    graph: ModelGraph
    interface: Element
    in_batch: bool

    def add(self, rule: str, message: str) -> None:
        if self.in_batch:
            self.graph.report(self.interface, rule, message)

    def check_count(self, term: str, count: int, maximum: int | None) -> None:
        if maximum is not None and count > maximum:
            self.add(
                "objectCountAboveMax", f"property '{term}' has {count} values but no more than {maximum} are allowed."
            )


def _inherit(graph: ModelGraph, interface: Element, parents: list[Inherited], problems: _Problems) -> Inherited:
    limits = LIMITS[interface.dtdl_version]
    own = Inherited(
        depth=max((parent.depth + 1 for parent in parents), default=0),
        ancestors=sum(parent.ancestors + 1 for parent in parents),
    )
    for content in graph.children(interface, "contents"):
        if content.name is not None and own.contents.setdefault(content.name, content) is not content:
            problems.add("nonUniquePropertyValue", f"property 'contents' contains more than one '{content.name}'.")
    problems.check_count("extends", len(set(interface.children.get("extends", ()))), limits.parents)
    if own.depth > limits.extends_depth:
        problems.add(
            "excessiveDepthNarrow", f"is more than {limits.extends_depth} steps of 'extends' below an ancestor."
        )
        return own
    if limits.ancestors is not None and own.ancestors > limits.ancestors:
        message = f"has {own.ancestors} interfaces above it but no more than {limits.ancestors} are allowed."
        problems.add("excessiveCount", message)
        return own
    for parent in parents:
        for name, content in parent.contents.items():
            if own.contents.setdefault(name, content) is not content:
                message = f"has more than one '{name}' in 'contents', at least one of them through 'extends'."
                problems.add("nonUniqueImportedPropertyValue", message)
    problems.check_count("contents", len(own.contents), limits.contents)
    return own


_COUNTED = (
    "contents",
    "fields",
    "enumValues",
    "request",
    "response",
    "properties",
    "schema",
    "elementSchema",
    "mapValue",
)


def check_element_counts(graph: ModelGraph, inherited: dict[str, Inherited]) -> None:
    """Report interfaces with too many elements in all; only for models without other problems."""
    counts: dict[str, int] = {}

    def count(element: Element) -> int:
        if element.id not in counts:
            if element.kind == "Interface":
                inside = list(inherited[element.id].contents.values())
                standard = 0
            else:
                inside = [child for term in _COUNTED for child in graph.children(element, term)]
                standard = sum(len(element.children.get(term, ())) for term in _COUNTED) - len(inside)
            counts[element.id] = standard + sum(1 + count(child) for child in inside)
        return counts[element.id]

    for element in graph.batch:
        maximum = LIMITS[element.dtdl_version].elements
        if element.kind == "Interface" and maximum is not None and count(element) > maximum:
            message = f"has {count(element)} elements in all but no more than {maximum} are allowed."
            graph.report(element, "excessiveCount", message)
