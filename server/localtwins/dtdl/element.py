"""An element of a model as read from a document, not yet checked against the others."""

from dataclasses import dataclass, field

from localtwins.dtdl.co_types import CoType
from localtwins.dtdl.metamodel import Elements


@dataclass(slots=True, eq=False)
class Element:
    """One element: `kind` is its DTDL class, `parent` what it is defined in, as a value of property `term`.

    `literals` map property terms (DTMIs for co-types' properties) to values, `children` to ids of elements, both only
    as far as they were readable.
    """

    id: str
    kind: str
    dtdl_version: int
    parent: "Element | None"
    term: str
    co_types: dict[str, CoType]
    literals: dict[str, object] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)

    @property
    def interface(self) -> str:
        """The id of the interface that the element belongs to."""
        element = self
        while element.parent is not None:
            element = element.parent
        return element.id

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
