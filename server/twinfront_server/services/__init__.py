"""The services of `twinfront.v1`: thin, each RPC reads its request, asks the upstream and fills in its response."""

from typing import Final

import grpc.aio

from twinfront.v1 import (
    change_service_pb2,
    digital_twin_service_pb2,
    event_route_service_pb2,
    graph_service_pb2,
    job_service_pb2,
    model_service_pb2,
    permission_service_pb2,
    query_service_pb2,
    relationship_service_pb2,
    telemetry_service_pb2,
)
from twinfront.v1.change_service_pb2_grpc import add_ChangeServiceServicer_to_server
from twinfront.v1.digital_twin_service_pb2_grpc import add_DigitalTwinServiceServicer_to_server
from twinfront.v1.event_route_service_pb2_grpc import add_EventRouteServiceServicer_to_server
from twinfront.v1.graph_service_pb2_grpc import add_GraphServiceServicer_to_server
from twinfront.v1.job_service_pb2_grpc import add_JobServiceServicer_to_server
from twinfront.v1.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from twinfront.v1.permission_service_pb2_grpc import add_PermissionServiceServicer_to_server
from twinfront.v1.query_service_pb2_grpc import add_QueryServiceServicer_to_server
from twinfront.v1.relationship_service_pb2_grpc import add_RelationshipServiceServicer_to_server
from twinfront.v1.telemetry_service_pb2_grpc import add_TelemetryServiceServicer_to_server
from twinfront_server.access.rules import require_rules
from twinfront_server.metrics import Metrics
from twinfront_server.services.change import ChangeService
from twinfront_server.services.digital_twin import DigitalTwinService
from twinfront_server.services.event_route import EventRouteService
from twinfront_server.services.graph import GraphService
from twinfront_server.services.job import JobService
from twinfront_server.services.model import ModelService
from twinfront_server.services.paging import Paging
from twinfront_server.services.permission import PermissionService
from twinfront_server.services.query import QueryService
from twinfront_server.services.relationship import RelationshipService
from twinfront_server.services.telemetry import TelemetryService
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream
from twinfront_server.watching.watching import Watching
from twinfront_server.wire.page_token import PageTokens

CONTRACT: Final = (
    digital_twin_service_pb2,
    relationship_service_pb2,
    model_service_pb2,
    query_service_pb2,
    telemetry_service_pb2,
    event_route_service_pb2,
    job_service_pb2,
    graph_service_pb2,
    permission_service_pb2,
    change_service_pb2,
)
"""The files of the contract that have a service."""


def register(server: grpc.aio.Server, upstream: Upstream, settings: Settings, metrics: Metrics) -> list[str]:
    """Adds all services to a server and returns their full names.

    Raises:
        LookupError: an RPC has no rule that says who may call it.
    """
    tokens = PageTokens(settings.page_token_key)
    paging = Paging(tokens, settings.max_response_bytes)
    add_DigitalTwinServiceServicer_to_server(DigitalTwinService(upstream, settings), server)
    add_RelationshipServiceServicer_to_server(RelationshipService(upstream, paging), server)
    add_ModelServiceServicer_to_server(ModelService(upstream, paging), server)
    add_QueryServiceServicer_to_server(QueryService(upstream, tokens, paging, settings.max_response_bytes), server)
    add_TelemetryServiceServicer_to_server(TelemetryService(upstream), server)
    add_EventRouteServiceServicer_to_server(EventRouteService(upstream, paging), server)
    add_JobServiceServicer_to_server(JobService(upstream, paging), server)
    add_GraphServiceServicer_to_server(GraphService(upstream, tokens, settings), server)
    add_PermissionServiceServicer_to_server(PermissionService(upstream), server)
    watching = Watching(upstream, tokens, settings, metrics.watches)
    add_ChangeServiceServicer_to_server(ChangeService(watching), server)
    services = [service for file in CONTRACT for service in file.DESCRIPTOR.services_by_name.values()]
    require_rules(f"{service.full_name}/{method.name}" for service in services for method in service.methods)
    return [service.full_name for service in services]
