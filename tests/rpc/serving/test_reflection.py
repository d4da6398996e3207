"""Reflection tells tools the contract, in v1 and in v1alpha, which differ in nothing but their name."""

from collections.abc import AsyncIterator
from typing import TypeAlias

import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from twinfront_server.app import App
from twinfront_server.settings import Settings

VERSIONS = ("v1", "v1alpha")
Ask: TypeAlias = "grpc.aio.StreamStreamMultiCallable[ServerReflectionRequest, ServerReflectionResponse]"

pytestmark = pytest.mark.parametrize("version", VERSIONS)


def reflection(channel: grpc.aio.Channel, version: str) -> Ask:
    return channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=ServerReflectionRequest.SerializeToString,
        response_deserializer=ServerReflectionResponse.FromString,
    )


async def ask(
    channel: grpc.aio.Channel, version: str, *requests: ServerReflectionRequest
) -> list[ServerReflectionResponse]:
    answers: AsyncIterator[ServerReflectionResponse] = aiter(reflection(channel, version)(iter(requests)))
    return [answer async for answer in answers]


def described(answer: ServerReflectionResponse) -> FileDescriptorProto:
    return FileDescriptorProto.FromString(answer.file_descriptor_response.file_descriptor_proto[0])


async def test_all_services_are_listed(channel: grpc.aio.Channel, version: str) -> None:
    [answer] = await ask(channel, version, ServerReflectionRequest(list_services=""))
    names = {service.name for service in answer.list_services_response.service}
    assert names == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "twinfront.v1.ChangeService",
        "twinfront.v1.DigitalTwinService",
        "twinfront.v1.EventRouteService",
        "twinfront.v1.GraphService",
        "twinfront.v1.JobService",
        "twinfront.v1.PermissionService",
        "twinfront.v1.ModelService",
        "twinfront.v1.QueryService",
        "twinfront.v1.RelationshipService",
        "twinfront.v1.TelemetryService",
    }


async def test_a_service_is_described(channel: grpc.aio.Channel, version: str) -> None:
    [answer] = await ask(channel, version, ServerReflectionRequest(file_containing_symbol="twinfront.v1.ModelService"))
    assert described(answer).name == "twinfront/v1/model_service.proto"


async def test_every_listed_service_is_described(channel: grpc.aio.Channel, version: str) -> None:
    [listed] = await ask(channel, version, ServerReflectionRequest(list_services=""))
    names = [service.name for service in listed.list_services_response.service]
    answers = await ask(channel, version, *(ServerReflectionRequest(file_containing_symbol=name) for name in names))
    files = [described(answer) for answer in answers]
    assert [f"{file.package}.{file.service[0].name}" for file in files] == names


async def test_an_rpc_is_found_by_its_name(channel: grpc.aio.Channel, version: str) -> None:
    names = ["twinfront.v1.ModelService.ListModels", "twinfront.v1.ModelService.ListNothing"]
    requests = [ServerReflectionRequest(file_containing_symbol=name) for name in names]
    found, missing = await ask(channel, version, *requests)
    assert described(found).name == "twinfront/v1/model_service.proto"
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_reflection_can_be_switched_off(version: str) -> None:
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", reflection=False)
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        # Without a request: grpc.aio tells of what was under way when a call is refused, and not of the refusal.
        assert await reflection(channel, version)().code() is grpc.StatusCode.UNIMPLEMENTED
