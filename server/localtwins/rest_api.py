"""Lists the operations of the REST API, each with the rate limit that it counts towards and the size of its bodies."""

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
        own: Azure Digital Twins has no such operation, so it has no api-version.
    """

    name: str
    rate: Rate | None
    write: bool = False
    body_bytes: int | None = OTHER_BODY_BYTES
    own: bool = False


def _read(name: str, rate: Rate) -> Operation:
    return Operation(name, rate)


def _write(name: str, rate: Rate | None, body_bytes: int | None = OTHER_BODY_BYTES) -> Operation:
    return Operation(name, rate, write=True, body_bytes=body_bytes)


OPERATIONS: Final = {
    operation.name: operation
    for operation in (
        _read("list_models", Rate.MODELS),
        _write("post_models", Rate.MODELS, None),
        _read("get_model", Rate.MODELS),
        _write("decommission_model", Rate.MODELS),
        _write("delete_model", Rate.MODELS),
        _read("query_twins", Rate.QUERIES),
        _read("get_digital_twin", Rate.READS),
        _write("put_digital_twin", Rate.CREATES_AND_DELETES, TWIN_BODY_BYTES),
        _write("patch_digital_twin", Rate.PATCHES, TWIN_BODY_BYTES),
        _write("delete_digital_twin", Rate.CREATES_AND_DELETES),
        _write("publish_telemetry", None),
        _read("get_component", Rate.READS),
        _write("patch_component", Rate.PATCHES, TWIN_BODY_BYTES),
        _write("publish_component_telemetry", None),
        _read("list_relationships", Rate.READS),
        _read("get_relationship", Rate.READS),
        _write("put_relationship", Rate.CREATES_AND_DELETES, TWIN_BODY_BYTES),
        _write("patch_relationship", Rate.PATCHES, TWIN_BODY_BYTES),
        _write("delete_relationship", Rate.CREATES_AND_DELETES),
        _read("list_incoming_relationships", Rate.READS),
        _read("list_event_routes", Rate.EVENT_ROUTES),
        _read("get_event_route", Rate.EVENT_ROUTES),
        _write("put_event_route", Rate.EVENT_ROUTES),
        _write("delete_event_route", Rate.EVENT_ROUTES),
        _read("list_import_jobs", Rate.JOBS),
        _read("get_import_job", Rate.JOBS),
        _write("put_import_job", Rate.JOBS),
        _write("delete_import_job", Rate.JOBS),
        _write("cancel_import_job", Rate.JOBS),
        _read("list_delete_jobs", Rate.JOBS),
        _write("post_delete_job", Rate.JOBS),
        _read("get_delete_job", Rate.JOBS),
        Operation("list_changes", None, own=True),
        Operation("list_change_items", None, own=True),
    )
}
"""By name; `rest/routing.py` has the path of each."""
