"""The services of the contract, by their descriptors, for tests that go through all of them."""

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

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

SERVICES: list[ServiceDescriptor] = [
    service
    for file in (
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
    for service in file.DESCRIPTOR.services_by_name.values()
]

METHODS: list[MethodDescriptor] = [method for service in SERVICES for method in service.methods]
