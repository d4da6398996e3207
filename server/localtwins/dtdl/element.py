"""An element of a model as read from a document, not yet checked against the others."""

from dataclasses import dataclass, field

from localtwins.dtdl.co_types import CoType
from localtwins.dtdl.metamodel import Elements


@dataclass(slots=True, eq=False)
class Element:
    """One element: `kind` is its DTDL class, `interface` the id of the interface that it is defined in.

    `literals` map property terms (DTMIs for co-types' properties) to values, `children` to ids of elements, both only
    as far as they were readable.
    """

    id: str
    kind: str
    dtdl_version: int
    interface: str
    co_types: dict[str, CoType]
    literals: dict[str, object] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)

    def child(self, term: str) -> str | None:
        """Give the id of the element that a property with one value holds."""
        ids = self.children.get(term)
        return ids[0] if ids else None

    @property
    def name(self) -> str | None:
        """The element's name, None if it has none that is valid."""
        name = self.literals.get("name")
        return name if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class ElementReference:
    """A DTMI standing for an element: in which element and property, and what may stand there."""

    source: Element
    term: str
    target: str
    expects: Elements
