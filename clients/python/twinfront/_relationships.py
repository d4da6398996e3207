"""Relationships as Python values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from twinfront._digital_twins import Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship(Properties):
    """A directed edge between two twins: `Relationship(target_id="room-1", name="contains")`.

    Its properties are read straight from it: `relationship["since"]`.
    """

    id: str = ""
    """The id, unique among the source twin's relationships. May be left empty in what is written."""
    etag: str = ""
    """The entity tag of this state, set by the service: what `if_match` takes."""
    source_id: str = ""
    """The id of the twin that the relationship starts from. May be left empty in what is written."""
    target_id: str = ""
    """The id of the twin that the relationship points to."""
    name: str = ""
    """The relationship's name in the source twin's model."""
    properties: dict[str, Any] = field(default_factory=dict)
    """The values of the properties that have one, as plain Python values."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the JSON form of Azure Digital Twins."""
        return cls(
            id=data.get("$relationshipId") or "",
            etag=data.get("$etag") or "",
            source_id=data.get("$sourceId") or "",
            target_id=data.get("$targetId") or "",
            name=data.get("$relationshipName") or "",
            properties={name: value for name, value in data.items() if not name.startswith("$")},
        )

    def to_dict(self) -> dict[str, Any]:
        """Writes the JSON form of Azure Digital Twins; what is empty is left out."""
        named = {
            "$relationshipId": self.id,
            "$etag": self.etag,
            "$sourceId": self.source_id,
            "$relationshipName": self.name,
            "$targetId": self.target_id,
        }
        return {**{name: value for name, value in named.items() if value}, **self.properties}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRelationship:
    """A relationship seen from its target twin; `get_relationship(source_id, relationship_id)` reads the whole."""

    relationship_id: str
    """The relationship's id, unique among those of its source twin."""
    source_id: str
    """The id of the twin that the relationship starts from."""
    name: str
    """The relationship's name in the source twin's model."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the JSON form of Azure Digital Twins."""
        return cls(relationship_id=data["$relationshipId"], source_id=data["$sourceId"], name=data["$relationshipName"])


def request_form(relationship: Relationship | Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives the relationship as it is sent: a mapping untouched, a Relationship without its etag."""
    if not isinstance(relationship, Relationship):
        return relationship
    return {name: value for name, value in relationship.to_dict().items() if name != "$etag"}
