"""An element of a model as read from a document, not yet checked against the others."""

from dataclasses import dataclass, field

from localtwins.dtdl.co_types import CoType
from localtwins.dtdl.errors import shown
from localtwins.dtdl.metamodel import Elements


@dataclass(slots=True, eq=False)
class Element:
    """One element: `kind` is its DTDL class, `parent` what it is defined in, as a value of property `term`.

    `document` is the index of its document in the batch, None for one of a stored model.
    `literals` map property terms (DTMIs for co-types' properties) to values, `children` to ids of elements, both only
    as far as they were readable.
    """

    id: str
    kind: str
    dtdl_version: int
    parent: "Element | None"
    term: str
    co_types: dict[str, CoType]
    document: int | None
    literals: dict[str, object] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The element's id as it stands in messages, with the interface that it belongs to if the id does not tell."""
        return title(self.id, self.parent.interface if self.parent is not None else None)

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


def title(element_id: str, interface: str | None) -> str:
    """Give an element's id as it stands in messages; see `Element.title`."""
    if interface is None or element_id.startswith(f"{interface.partition(';')[0]}:_"):
        return shown(element_id)
    return f"{shown(element_id)} in {shown(interface)}"


@dataclass(frozen=True, slots=True)
class ElementReference:
    """A DTMI standing for an element: in which element and property, and what may stand there."""

    source: Element
    term: str
    target: str
    expects: Elements
