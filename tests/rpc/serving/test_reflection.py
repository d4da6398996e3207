"""Reflection tells tools the contract."""

import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from twinfront_server.app import App
from twinfront_server.settings import Settings


async def test_all_services_are_listed(channel: grpc.aio.Channel) -> None:
    requests = [ServerReflectionRequest(list_services="")]
    answers = [answer async for answer in ServerReflectionStub(channel).ServerReflectionInfo(requests)]
    names = {service.name for service in answers[0].list_services_response.service}
    assert names == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "twinfront.v1.DigitalTwinService",
        "twinfront.v1.EventRouteService",
        "twinfront.v1.GraphService",
        "twinfront.v1.JobService",
        "twinfront.v1.ModelService",
        "twinfront.v1.QueryService",
        "twinfront.v1.RelationshipService",
        "twinfront.v1.TelemetryService",
    }


async def test_a_service_is_described(channel: grpc.aio.Channel) -> None:
    requests = [ServerReflectionRequest(file_containing_symbol="twinfront.v1.ModelService")]
    answers = [answer async for answer in ServerReflectionStub(channel).ServerReflectionInfo(requests)]
    file = FileDescriptorProto.FromString(answers[0].file_descriptor_response.file_descriptor_proto[0])
    assert file.name == "twinfront/v1/model_service.proto"


async def test_an_rpc_is_found_by_its_name(channel: grpc.aio.Channel) -> None:
    names = ["twinfront.v1.ModelService.ListModels", "twinfront.v1.ModelService.ListNothing"]
    requests = [ServerReflectionRequest(file_containing_symbol=name) for name in names]
    found, missing = [answer async for answer in ServerReflectionStub(channel).ServerReflectionInfo(requests)]
    file = FileDescriptorProto.FromString(found.file_descriptor_response.file_descriptor_proto[0])
    assert file.name == "twinfront/v1/model_service.proto"
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_it_can_be_switched_off() -> None:
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", reflection=False)
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        requests = [ServerReflectionRequest(list_services="")]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            [answer async for answer in ServerReflectionStub(channel).ServerReflectionInfo(requests)]
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
