"""Lists the operations of Azure Digital Twins, and holds what a call of one asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from twinfront_server.adt.body import Body


class Resource(Enum):
    """The kinds of resource, with the message that stands for each in error details."""

    DIGITAL_TWIN = "twinfront.v1.DigitalTwin"
    COMPONENT = "twinfront.v1.Component"
    RELATIONSHIP = "twinfront.v1.Relationship"
    MODEL = "twinfront.v1.Model"
    QUERY = ""
    EVENT_ROUTE = "twinfront.v1.EventRoute"
    IMPORT_JOB = "twinfront.v1.ImportJob"
    DELETE_JOB = "twinfront.v1.DeleteJob"
    CHANGES = "twinfront.v1.Change"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name, as in metrics, the resource that it addresses, and whether it changes anything."""

    name: str
    resource: Resource
    write: bool = False


GET_DIGITAL_TWIN: Final = Operation("get_digital_twin", Resource.DIGITAL_TWIN)
PUT_DIGITAL_TWIN: Final = Operation("put_digital_twin", Resource.DIGITAL_TWIN, write=True)
PATCH_DIGITAL_TWIN: Final = Operation("patch_digital_twin", Resource.DIGITAL_TWIN, write=True)
DELETE_DIGITAL_TWIN: Final = Operation("delete_digital_twin", Resource.DIGITAL_TWIN, write=True)
GET_COMPONENT: Final = Operation("get_component", Resource.COMPONENT)
PATCH_COMPONENT: Final = Operation("patch_component", Resource.COMPONENT, write=True)
GET_RELATIONSHIP: Final = Operation("get_relationship", Resource.RELATIONSHIP)
PUT_RELATIONSHIP: Final = Operation("put_relationship", Resource.RELATIONSHIP, write=True)
PATCH_RELATIONSHIP: Final = Operation("patch_relationship", Resource.RELATIONSHIP, write=True)
DELETE_RELATIONSHIP: Final = Operation("delete_relationship", Resource.RELATIONSHIP, write=True)
LIST_RELATIONSHIPS: Final = Operation("list_relationships", Resource.RELATIONSHIP)
LIST_INCOMING_RELATIONSHIPS: Final = Operation("list_incoming_relationships", Resource.RELATIONSHIP)
POST_MODELS: Final = Operation("post_models", Resource.MODEL, write=True)
GET_MODEL: Final = Operation("get_model", Resource.MODEL)
LIST_MODELS: Final = Operation("list_models", Resource.MODEL)
DECOMMISSION_MODEL: Final = Operation("decommission_model", Resource.MODEL, write=True)
DELETE_MODEL: Final = Operation("delete_model", Resource.MODEL, write=True)
QUERY_TWINS: Final = Operation("query_twins", Resource.QUERY)
PUBLISH_TELEMETRY: Final = Operation("publish_telemetry", Resource.DIGITAL_TWIN, write=True)
PUBLISH_COMPONENT_TELEMETRY: Final = Operation("publish_component_telemetry", Resource.COMPONENT, write=True)
PUT_EVENT_ROUTE: Final = Operation("put_event_route", Resource.EVENT_ROUTE, write=True)
GET_EVENT_ROUTE: Final = Operation("get_event_route", Resource.EVENT_ROUTE)
LIST_EVENT_ROUTES: Final = Operation("list_event_routes", Resource.EVENT_ROUTE)
DELETE_EVENT_ROUTE: Final = Operation("delete_event_route", Resource.EVENT_ROUTE, write=True)
PUT_IMPORT_JOB: Final = Operation("put_import_job", Resource.IMPORT_JOB, write=True)
GET_IMPORT_JOB: Final = Operation("get_import_job", Resource.IMPORT_JOB)
LIST_IMPORT_JOBS: Final = Operation("list_import_jobs", Resource.IMPORT_JOB)
CANCEL_IMPORT_JOB: Final = Operation("cancel_import_job", Resource.IMPORT_JOB, write=True)
DELETE_IMPORT_JOB: Final = Operation("delete_import_job", Resource.IMPORT_JOB, write=True)
POST_DELETE_JOB: Final = Operation("post_delete_job", Resource.DELETE_JOB, write=True)
GET_DELETE_JOB: Final = Operation("get_delete_job", Resource.DELETE_JOB)
LIST_DELETE_JOBS: Final = Operation("list_delete_jobs", Resource.DELETE_JOB)
PROBE: Final = Operation("probe", Resource.MODEL)
LIST_CHANGES: Final = Operation("list_changes", Resource.CHANGES)
LIST_CHANGE_ITEMS: Final = Operation("list_change_items", Resource.CHANGES)


_COLLECTIONS: Final = {
    Resource.MODEL: ("models", "model_id"),
    Resource.QUERY: ("query", ""),
    Resource.CHANGES: ("localtwins/changes", ""),
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


@dataclass(slots=True)
class Asked:
    """Holds what a call asked the upstream for. Nothing changes it; to have Python see to that takes a microsecond.

    Attributes:
        operation: the operation.
        ids: the ids of the request, by request field, and those that its body names; the metadata of errors.
        body: what was sent; None for nothing.
        if_match: the condition; empty for none.
        create_only: whether the condition is that there is none yet.
        any_author_counts: of a write under an etag, whether the caller wants what it brings about, be it by somebody
            else: the condition is the front's own.
        origin: where in the request it came from.
        only_at: an etag that the front adds as a condition of its own, where the caller has none; empty for none. What
            a lost answer means goes by the caller's.
    """

    operation: Operation
    ids: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    if_match: str = ""
    create_only: bool = False
    any_author_counts: bool = False
    origin: Origin = _PLAIN
    only_at: str = ""

    def as_dry_run(self) -> "Asked":
        """Asks the same without a change: it can be sent again, and a lost answer leaves nothing unknown."""
        return replace(self, operation=replace(self.operation, write=False)) if self.operation.write else self

    @property
    def condition(self) -> str:
        """Gives the condition that is sent."""
        return self.only_at or self.if_match

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
