"""The operations of Azure Digital Twins."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


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
