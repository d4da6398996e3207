"""One call of each RPC, and what it is refused with."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Any

import grpc.aio
import pytest

from twinfront.errors import TwinfrontError, from_rpc_error
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import event_route_service_pb2 as event_routes
from twinfront.v1 import job_service_pb2 as jobs
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import query_service_pb2 as queries
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1 import telemetry_service_pb2 as telemetry
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceStub
from twinfront.v1.job_service_pb2_grpc import JobServiceStub
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceStub

from .fault_server import Answer

PATCH = [JsonPatchOperation(op=JsonPatchOperation.OP_REPLACE, path="/temperature", value_json=b"1")]
MODEL = "dtmi:example:Room;1"
TWIN = DigitalTwin(model_id=MODEL)
EDGE = Relationship(name="contains", target_id="room")
ETAG = 'W/"1"'
JOB = {"id": "job", "inputBlobUri": "https://a/b/c", "outputBlobUri": "https://a/b/d", "status": "notstarted"}

_ANSWERS: dict[str, tuple[int, object]] = {
    "GET": (200, {"id": MODEL, "value": []}),
    "PUT": (200, {"$dtId": "room", "$relationshipId": "r", "id": "j"}),
    "POST": (201, []),
    "PATCH": (204, b""),
    "DELETE": (204, b""),
}


@dataclass(frozen=True)
class Rpc:
    """An RPC with a request that is sound.

    Attributes:
        method: the HTTP method of the one request that the upstream gets.
        path: its path.
        answer: status and body of the upstream's answer when all is well; None for that of its method.
    """

    stub: type[Any]
    name: str
    method: str
    path: str
    request: Any
    answer: tuple[int, object] | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def is_write(self) -> bool:
        return self.method != "GET" and self.path != "/query"

    def succeeds(self, **headers: str) -> Answer:
        """What the upstream answers when all is well."""
        status, body = self.answer or _ANSWERS[self.method]
        return Answer(status, body, headers)

    def call(self, channel: grpc.aio.Channel, **options: Any) -> Awaitable[Any]:
        called: Awaitable[Any] = getattr(self.stub(channel), self.name)(self.request, **options)
        return called

    def having(self, **fields: object) -> "Rpc":
        """The same with other values in the request's fields."""
        request = type(self.request)()
        request.CopyFrom(self.request)
        for name, value in fields.items():
            setattr(request, name, value)
        return replace(self, request=request)


GET_TWIN = Rpc(
    DigitalTwinServiceStub,
    "GetDigitalTwin",
    "GET",
    "/digitaltwins/room",
    twins.GetDigitalTwinRequest(digital_twin_id="room"),
)
UPDATE_TWIN = Rpc(
    DigitalTwinServiceStub,
    "UpdateDigitalTwin",
    "PATCH",
    "/digitaltwins/room",
    twins.UpdateDigitalTwinRequest(digital_twin_id="room", patch=PATCH),
)
UPDATE_TWIN_IF_MATCH = UPDATE_TWIN.having(if_match=ETAG)
CREATE_TWIN = Rpc(
    DigitalTwinServiceStub,
    "CreateOrReplaceDigitalTwin",
    "PUT",
    "/digitaltwins/room",
    twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=TWIN, if_none_match="*"),
)
DELETE_TWIN = Rpc(
    DigitalTwinServiceStub,
    "DeleteDigitalTwin",
    "DELETE",
    "/digitaltwins/room",
    twins.DeleteDigitalTwinRequest(digital_twin_id="room"),
)
LIST_RELATIONSHIPS = Rpc(
    RelationshipServiceStub,
    "ListRelationships",
    "GET",
    "/digitaltwins/floor/relationships",
    relationships.ListRelationshipsRequest(digital_twin_id="floor"),
)
UPDATE_RELATIONSHIP_IF_MATCH = Rpc(
    RelationshipServiceStub,
    "UpdateRelationship",
    "PATCH",
    "/digitaltwins/floor/relationships/r",
    relationships.UpdateRelationshipRequest(digital_twin_id="floor", relationship_id="r", patch=PATCH, if_match=ETAG),
)

RPCS = [
    GET_TWIN,
    CREATE_TWIN,
    UPDATE_TWIN,
    DELETE_TWIN,
    Rpc(
        DigitalTwinServiceStub,
        "GetComponent",
        "GET",
        "/digitaltwins/room/components/thermostat",
        twins.GetComponentRequest(digital_twin_id="room", component_name="thermostat"),
    ),
    Rpc(
        DigitalTwinServiceStub,
        "UpdateComponent",
        "PATCH",
        "/digitaltwins/room/components/thermostat",
        twins.UpdateComponentRequest(digital_twin_id="room", component_name="thermostat", patch=PATCH),
    ),
    Rpc(
        RelationshipServiceStub,
        "CreateOrReplaceRelationship",
        "PUT",
        "/digitaltwins/floor/relationships/r",
        relationships.CreateOrReplaceRelationshipRequest(
            digital_twin_id="floor", relationship_id="r", relationship=EDGE
        ),
    ),
    Rpc(
        RelationshipServiceStub,
        "GetRelationship",
        "GET",
        "/digitaltwins/floor/relationships/r",
        relationships.GetRelationshipRequest(digital_twin_id="floor", relationship_id="r"),
    ),
    Rpc(
        RelationshipServiceStub,
        "UpdateRelationship",
        "PATCH",
        "/digitaltwins/floor/relationships/r",
        relationships.UpdateRelationshipRequest(digital_twin_id="floor", relationship_id="r", patch=PATCH),
    ),
    Rpc(
        RelationshipServiceStub,
        "DeleteRelationship",
        "DELETE",
        "/digitaltwins/floor/relationships/r",
        relationships.DeleteRelationshipRequest(digital_twin_id="floor", relationship_id="r"),
    ),
    LIST_RELATIONSHIPS,
    Rpc(
        RelationshipServiceStub,
        "ListIncomingRelationships",
        "GET",
        "/digitaltwins/floor/incomingrelationships",
        relationships.ListIncomingRelationshipsRequest(digital_twin_id="floor"),
    ),
    Rpc(ModelServiceStub, "CreateModels", "POST", "/models", models.CreateModelsRequest(dtdl_models=["{}"])),
    Rpc(ModelServiceStub, "GetModel", "GET", "/models/dtmi:example:Room;1", models.GetModelRequest(model_id=MODEL)),
    Rpc(ModelServiceStub, "ListModels", "GET", "/models", models.ListModelsRequest()),
    Rpc(
        ModelServiceStub,
        "DecommissionModel",
        "PATCH",
        "/models/dtmi:example:Room;1",
        models.DecommissionModelRequest(model_id=MODEL),
    ),
    Rpc(
        ModelServiceStub,
        "DeleteModel",
        "DELETE",
        "/models/dtmi:example:Room;1",
        models.DeleteModelRequest(model_id=MODEL),
    ),
    Rpc(
        QueryServiceStub,
        "QueryTwins",
        "POST",
        "/query",
        queries.QueryTwinsRequest(query="SELECT * FROM digitaltwins"),
        (200, {"value": []}),
    ),
    Rpc(
        TelemetryServiceStub,
        "PublishTelemetry",
        "POST",
        "/digitaltwins/room/telemetry",
        telemetry.PublishTelemetryRequest(digital_twin_id="room", payload_json=b"{}"),
        (204, b""),
    ),
    Rpc(
        TelemetryServiceStub,
        "PublishComponentTelemetry",
        "POST",
        "/digitaltwins/room/components/thermostat/telemetry",
        telemetry.PublishComponentTelemetryRequest(
            digital_twin_id="room", component_name="thermostat", payload_json=b"{}"
        ),
        (204, b""),
    ),
    Rpc(
        EventRouteServiceStub,
        "CreateOrReplaceEventRoute",
        "PUT",
        "/eventroutes/route",
        event_routes.CreateOrReplaceEventRouteRequest(
            event_route_id="route", event_route=event_routes.EventRoute(endpoint_name="events", filter="true")
        ),
        (204, b""),
    ),
    Rpc(
        EventRouteServiceStub,
        "GetEventRoute",
        "GET",
        "/eventroutes/route",
        event_routes.GetEventRouteRequest(event_route_id="route"),
    ),
    Rpc(EventRouteServiceStub, "ListEventRoutes", "GET", "/eventroutes", event_routes.ListEventRoutesRequest()),
    Rpc(
        EventRouteServiceStub,
        "DeleteEventRoute",
        "DELETE",
        "/eventroutes/route",
        event_routes.DeleteEventRouteRequest(event_route_id="route"),
    ),
    Rpc(
        JobServiceStub,
        "CreateImportJob",
        "PUT",
        "/jobs/imports/job",
        jobs.CreateImportJobRequest(
            job_id="job", import_job=jobs.ImportJob(input_blob_uri="https://a/b/c", output_blob_uri="https://a/b/d")
        ),
        (201, JOB),
    ),
    Rpc(JobServiceStub, "GetImportJob", "GET", "/jobs/imports/job", jobs.GetImportJobRequest(job_id="job")),
    Rpc(JobServiceStub, "ListImportJobs", "GET", "/jobs/imports", jobs.ListImportJobsRequest()),
    Rpc(
        JobServiceStub,
        "CancelImportJob",
        "POST",
        "/jobs/imports/job/cancel",
        jobs.CancelImportJobRequest(job_id="job"),
        (200, JOB),
    ),
    Rpc(JobServiceStub, "DeleteImportJob", "DELETE", "/jobs/imports/job", jobs.DeleteImportJobRequest(job_id="job")),
    Rpc(
        JobServiceStub,
        "CreateDeleteJob",
        "POST",
        "/jobs/deletions",
        jobs.CreateDeleteJobRequest(job_id="job"),
        (202, {"id": "job", "status": "notstarted"}),
    ),
    Rpc(JobServiceStub, "GetDeleteJob", "GET", "/jobs/deletions/job", jobs.GetDeleteJobRequest(job_id="job")),
    Rpc(JobServiceStub, "ListDeleteJobs", "GET", "/jobs/deletions", jobs.ListDeleteJobsRequest()),
]
QUERY = next(rpc for rpc in RPCS if rpc.name == "QueryTwins")
READS = [rpc for rpc in RPCS if not rpc.is_write]
WRITES = [rpc for rpc in RPCS if rpc.is_write]


async def refused(call: Awaitable[object]) -> TwinfrontError:
    """What the call is refused with, details decoded."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = from_rpc_error(caught.value)
    error.__cause__ = caught.value
    return error


def trailers(error: TwinfrontError) -> dict[str, str | bytes]:
    """The trailing metadata that came with an error."""
    assert isinstance(error.__cause__, grpc.aio.AioRpcError)
    return dict(error.__cause__.trailing_metadata())
