"""Holds what one call of an operation asked for, and where in the caller's request that came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from twinfront_server.adt.body import Body
from twinfront_server.upstream.operation import Operation, Resource

_COLLECTIONS: Final = {
    Resource.MODEL: ("models", "model_id"),
    Resource.QUERY: ("query", ""),
    Resource.EVENT_ROUTE: ("eventroutes", "event_route_id"),
    Resource.IMPORT_JOB: ("jobs/imports", "job_id"),
    Resource.DELETE_JOB: ("jobs/deletions", "job_id"),
}
"""The paths of resources that belong to no twin, and the request field of their ids."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Says where in the caller's request that came from which a refusal may find fault with.

    Of what is sent in a body, the body itself says so.

    Attributes:
        listed: ids in a list of the request, by proto path.
        place_field: of a query, the field of the request that its continuation token came out of.
        by_the_front: whether it is the front that thought up what is asked: a refusal then finds no fault with the
            request.
    """

    listed: Mapping[str, str] = field(default_factory=dict)
    place_field: str = "page_token"
    by_the_front: bool = False


_PLAIN: Final = Origin()


@dataclass(frozen=True, slots=True)
class Asked:
    """Holds what a call asked the upstream for.

    Attributes:
        operation: the operation.
        ids: the ids of the request, by request field, and those that its body names; the metadata of errors.
        body: what was sent; None for nothing.
        if_match: the condition; empty for none.
        create_only: whether the condition is that there is none yet.
        any_author_counts: of a write under an etag, whether the caller wants what it brings about, be it by somebody
            else: the condition is the front's own.
        origin: where in the request it came from.
    """

    operation: Operation
    ids: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    if_match: str = ""
    create_only: bool = False
    any_author_counts: bool = False
    origin: Origin = _PLAIN

    def as_dry_run(self) -> "Asked":
        """Asks the same without a change: it can be sent again, and a lost answer leaves nothing unknown."""
        return replace(self, operation=replace(self.operation, write=False)) if self.operation.write else self

    @property
    def wants_version(self) -> bool:
        """Tells whether the condition is an etag, which one write at the most can meet."""
        return self.if_match not in {"", "*"}

    @property
    def needs_authorship(self) -> bool:
        """Tells whether success means to the caller that it was this write, and no other, that did it."""
        return self.create_only or (self.wants_version and not self.any_author_counts)

    @property
    def path(self) -> str:
        """Gives the path of the resource that has the etag: a component has its twin's."""
        if self.operation.resource in _COLLECTIONS:
            collection, id_field = _COLLECTIONS[self.operation.resource]
            return f"{collection}/{self.ids[id_field]}" if self.ids.get(id_field) else collection
        path = f"digitaltwins/{self.ids.get('digital_twin_id', '')}"
        if self.operation.resource is Resource.RELATIONSHIP and "relationship_id" in self.ids:
            path += f"/relationships/{self.ids['relationship_id']}"
        return path
