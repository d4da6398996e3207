"""An element of a model as read from a document, not yet checked against the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localtwins.dtdl.co_types import CoType
from localtwins.dtdl.errors import shown
from localtwins.dtdl.metamodel import Elements


@dataclass(slots=True, eq=False)
class Element:
    """Holds one element as it was read.

    Attributes:
        kind: its DTDL class.
        parent: the element that it is defined in, as a value of property `term`.
        document: the index of its document in the batch; None for one of a stored model.
        literals: term (for a co-type's property its DTMI) -> value, as far as values were readable.
        children: term (for a co-type's property its DTMI) -> ids of elements, as far as they were readable.
    """

    id: str
    kind: str
    dtdl_version: int
    parent: "Element | None"
    term: str
    co_types: Mapping[str, CoType]
    document: int | None
    literals: dict[str, object] = field(default_factory=dict)
    children: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Gives the element's id as it stands in messages, with its interface if the id does not tell that."""
        return title(self.id, self.parent.interface if self.parent is not None else None)

    @property
    def interface(self) -> str:
        """Gives the id of the interface that the element belongs to."""
        element = self
        while element.parent is not None:
            element = element.parent
        return element.id

    def child(self, term: str) -> str | None:
        """Gives the id of the element in a property with one value."""
        ids = self.children.get(term)
        return ids[0] if ids else None

    @property
    def name(self) -> str | None:
        """Gives the element's name; None if it has no valid one."""
        name = self.literals.get("name")
        return name if isinstance(name, str) else None


def title(element_id: str, interface: str | None) -> str:
    """Gives an element's id as it stands in messages; see `Element.title`."""
    if interface is None or element_id.startswith(f"{interface.partition(';')[0]}:_"):
        return shown(element_id)
    return f"{shown(element_id)} in {shown(interface)}"


@dataclass(slots=True, eq=False)
class ElementReference:
    """Refers to an element by its DTMI, and tells in which property of which element, and what may stand there."""

    source: Element
    term: str
    target: str
    expects: Elements
