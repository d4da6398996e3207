"""The operations of the REST API by name, each with the rate limit that it counts towards."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from localtwins.limits import OTHER_BODY_BYTES, TWIN_BODY_BYTES


class Rate(Enum):
    """The service's rate limits that hold for the whole instance; the value is the setting of the limit."""

    MODELS = "rate_models"
    READS = "rate_reads"
    PATCHES = "rate_patches"
    CREATES_AND_DELETES = "rate_creates_and_deletes"
    QUERIES = "rate_queries"
    EVENT_ROUTES = "rate_event_routes"
    JOBS = "rate_jobs"


@dataclass(frozen=True, slots=True)
class Operation:
    """Names an operation.

    Attributes:
        rate: None for one without a documented limit.
        body_bytes: None for bodies of any size.
    """

    name: str
    rate: Rate | None
    write: bool = False
    body_bytes: int | None = OTHER_BODY_BYTES


def _read(name: str, rate: Rate) -> Operation:
    return Operation(name, rate)


def _write(name: str, rate: Rate | None, body_bytes: int | None = OTHER_BODY_BYTES) -> Operation:
    return Operation(name, rate, write=True, body_bytes=body_bytes)


OPERATIONS: Final[dict[str, dict[str, Operation]]] = {
    "/models": {"GET": _read("list_models", Rate.MODELS), "POST": _write("post_models", Rate.MODELS, None)},
    "/models/{}": {
        "GET": _read("get_model", Rate.MODELS),
        "PATCH": _write("decommission_model", Rate.MODELS),
        "DELETE": _write("delete_model", Rate.MODELS),
    },
    "/query": {"POST": _read("query_twins", Rate.QUERIES)},
    "/digitaltwins/{}": {
        "GET": _read("get_digital_twin", Rate.READS),
        "PUT": _write("put_digital_twin", Rate.CREATES_AND_DELETES, TWIN_BODY_BYTES),
        "PATCH": _write("patch_digital_twin", Rate.PATCHES, TWIN_BODY_BYTES),
        "DELETE": _write("delete_digital_twin", Rate.CREATES_AND_DELETES),
    },
    "/digitaltwins/{}/telemetry": {"POST": _write("publish_telemetry", None)},
    "/digitaltwins/{}/components/{}": {
        "GET": _read("get_component", Rate.READS),
        "PATCH": _write("patch_component", Rate.PATCHES, TWIN_BODY_BYTES),
    },
    "/digitaltwins/{}/components/{}/telemetry": {"POST": _write("publish_component_telemetry", None)},
    "/digitaltwins/{}/relationships": {"GET": _read("list_relationships", Rate.READS)},
    "/digitaltwins/{}/relationships/{}": {
        "GET": _read("get_relationship", Rate.READS),
        "PUT": _write("put_relationship", Rate.CREATES_AND_DELETES, TWIN_BODY_BYTES),
        "PATCH": _write("patch_relationship", Rate.PATCHES, TWIN_BODY_BYTES),
        "DELETE": _write("delete_relationship", Rate.CREATES_AND_DELETES),
    },
    "/digitaltwins/{}/incomingrelationships": {"GET": _read("list_incoming_relationships", Rate.READS)},
    "/eventroutes": {"GET": _read("list_event_routes", Rate.EVENT_ROUTES)},
    "/eventroutes/{}": {
        "GET": _read("get_event_route", Rate.EVENT_ROUTES),
        "PUT": _write("put_event_route", Rate.EVENT_ROUTES),
        "DELETE": _write("delete_event_route", Rate.EVENT_ROUTES),
    },
    "/jobs/imports": {"GET": _read("list_import_jobs", Rate.JOBS)},
    "/jobs/imports/{}": {
        "GET": _read("get_import_job", Rate.JOBS),
        "PUT": _write("put_import_job", Rate.JOBS),
        "DELETE": _write("delete_import_job", Rate.JOBS),
    },
    "/jobs/imports/{}/cancel": {"POST": _write("cancel_import_job", Rate.JOBS)},
    "/jobs/deletions": {"GET": _read("list_delete_jobs", Rate.JOBS), "POST": _write("post_delete_job", Rate.JOBS)},
    "/jobs/deletions/{}": {"GET": _read("get_delete_job", Rate.JOBS)},
}
"""Path -> method -> operation, as in the routes."""
BY_NAME: Final = {operation.name: operation for methods in OPERATIONS.values() for operation in methods.values()}
