"""The services of `twinfront.v1`: thin, each RPC reads its request, asks the upstream and fills in its response."""

import grpc.aio

from twinfront.v1 import digital_twin_service_pb2, model_service_pb2, relationship_service_pb2
from twinfront.v1.digital_twin_service_pb2_grpc import add_DigitalTwinServiceServicer_to_server
from twinfront.v1.model_service_pb2_grpc import add_ModelServiceServicer_to_server
from twinfront.v1.relationship_service_pb2_grpc import add_RelationshipServiceServicer_to_server
from twinfront_server.services.digital_twin import DigitalTwinService
from twinfront_server.services.model import ModelService
from twinfront_server.services.relationship import RelationshipService
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream
from twinfront_server.wire.page_token import PageTokens


def register(server: grpc.aio.Server, upstream: Upstream, settings: Settings) -> list[str]:
    """Adds all services to a server and returns their full names."""
    tokens = PageTokens(settings.page_token_key)
    add_DigitalTwinServiceServicer_to_server(DigitalTwinService(upstream), server)
    add_RelationshipServiceServicer_to_server(RelationshipService(upstream, tokens), server)
    add_ModelServiceServicer_to_server(ModelService(upstream, tokens), server)
    files = (digital_twin_service_pb2, relationship_service_pb2, model_service_pb2)
    return [service.full_name for file in files for service in file.DESCRIPTOR.services_by_name.values()]
