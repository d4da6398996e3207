"""The path by which an error names what it is about: that of the resource in the upstream, or of its collection."""

import pytest

from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Operation


@pytest.mark.parametrize(
    ("operation", "ids", "path"),
    [
        (operations.GET_DIGITAL_TWIN, {"digital_twin_id": "room"}, "digitaltwins/room"),
        (operations.PATCH_COMPONENT, {"digital_twin_id": "room", "component_name": "c"}, "digitaltwins/room"),
        (operations.PUBLISH_TELEMETRY, {"digital_twin_id": "room"}, "digitaltwins/room"),
        (
            operations.GET_RELATIONSHIP,
            {"digital_twin_id": "room", "relationship_id": "r"},
            "digitaltwins/room/relationships/r",
        ),
        (operations.LIST_RELATIONSHIPS, {"digital_twin_id": "room"}, "digitaltwins/room"),
        (operations.GET_MODEL, {"model_id": "dtmi:a:A;1"}, "models/dtmi:a:A;1"),
        (operations.LIST_MODELS, {}, "models"),
        (operations.POST_MODELS, {}, "models"),
        (operations.QUERY_TWINS, {}, "query"),
        (operations.PUT_EVENT_ROUTE, {"event_route_id": "all"}, "eventroutes/all"),
        (operations.LIST_EVENT_ROUTES, {}, "eventroutes"),
        (operations.PUT_IMPORT_JOB, {"job_id": "one"}, "jobs/imports/one"),
        (operations.LIST_IMPORT_JOBS, {}, "jobs/imports"),
        (operations.POST_DELETE_JOB, {"job_id": "one"}, "jobs/deletions/one"),
        (operations.LIST_DELETE_JOBS, {}, "jobs/deletions"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_an_operation_is_about_the_path_of_its_resource(operation: Operation, ids: dict[str, str], path: str):
    assert Asked(operation, ids).path == path
