"""A parsed Interface: its contents with everything it inherits."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self, cast

from localtwins.dtdl.lineage import Lineage, for_lookups
from localtwins.dtdl.schemas import Schema


@dataclass(frozen=True, slots=True)
class Property:
    """A Property of an interface or of a relationship."""

    name: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A Telemetry; the service does not check messages against its schema."""

    name: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Relationship:
    """A Relationship.

    Attributes:
        target: the DTMI of the model of its targets, which need not be defined; None for any model.
    """

    name: str
    target: str | None
    properties: dict[str, Property]


@dataclass(frozen=True, slots=True)
class Component:
    """A Component; `schema` is the DTMI of its interface."""

    name: str
    schema: str


@dataclass(frozen=True, slots=True)
class Command:
    """A Command. The language has them; the service keeps them in the model and has no use for them."""

    name: str


@dataclass(frozen=True, slots=True)
class Interface:
    """One DTDL interface, with everything that it inherits.

    Attributes:
        display_name: language tag -> text.
        description: language tag -> text.
        extends: the direct parents as written.
        bases: the interface itself and all its ancestors.
        dependencies: what must exist for it to be created: direct parents and component schemas of its own.
    """

    id: str
    dtdl_version: int
    display_name: dict[str, str]
    description: dict[str, str]
    extends: tuple[str, ...]
    properties: Mapping[str, Property]
    telemetries: Mapping[str, Telemetry]
    relationships: Mapping[str, Relationship]
    components: Mapping[str, Component]
    commands: Mapping[str, Command]
    bases: frozenset[str]
    dependencies: frozenset[str]

    def for_lookups(self, count: int) -> Self:
        """Gives the same interface with contents in which `count` names are found soon, however much it extends."""
        contents = (self.properties, self.telemetries, self.relationships, self.components)
        if not any(type(each) is Lineage for each in contents):
            return self
        found = _prepared.get(id(self))
        if found is not None and found[0] is self:
            return cast("Self", found[1])
        few = sum(map(len, contents)) <= _FEW
        names = _ALL if few else count
        prepared = replace(
            self,
            properties=for_lookups(self.properties, names),
            telemetries=for_lookups(self.telemetries, names),
            relationships=for_lookups(self.relationships, names),
            components=for_lookups(self.components, names),
        )
        if few:
            if len(_prepared) >= _MOST_PREPARED:
                _prepared.clear()
            _prepared[id(self)] = self, prepared
        return prepared


_FEW: Final = 256
_ALL: Final = sys.maxsize
_MOST_PREPARED: Final = 1_024
_prepared: Final[dict[int, tuple[Interface, Interface]]] = {}
"""Interfaces that have few contents, each with what `for_lookups` made of it, by `id` since they are large to compare.

To make it anew would take a fifth of the time of a small patch, and of each twin that is imported.
"""
