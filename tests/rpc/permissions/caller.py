"""Calls of one principal or another, by the methods' names."""

from dataclasses import dataclass, field
from typing import Any, Final

import grpc.aio
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from twinfront_server.access.rules import RULES, Rule
from twinfront_server.services import CONTRACT

PRINCIPAL_KEY: Final = "named-caller"


def methods() -> list[MethodDescriptor]:
    """Gives every method of the contract, as the descriptors have them."""
    names = [service.full_name for file in CONTRACT for service in file.DESCRIPTOR.services_by_name.values()]
    return [method for name in names for method in descriptor_pool.Default().FindServiceByName(name).methods]


def rule_of(method: MethodDescriptor) -> Rule:
    """Gives what a method takes."""
    return RULES[f"{method.containing_service.full_name}/{method.name}"]


@dataclass(frozen=True)
class Caller:
    """Calls as somebody.

    Attributes:
        channel: where to.
        name: who it is.
        roles: what the credentials say.
    """

    channel: grpc.aio.Channel
    name: str = "alice"
    roles: tuple[str, ...] = field(default=())

    def known_as(self, name: str, *roles: str) -> "Caller":
        return Caller(self.channel, name, roles)

    async def call(self, method: MethodDescriptor, **fields: Any) -> Any:
        """Calls a method; the messages of a stream come as a list."""
        request = message_factory.GetMessageClass(method.input_type)(**fields)
        path = f"/{method.containing_service.full_name}/{method.name}"
        codec = (
            type(request).SerializeToString,
            message_factory.GetMessageClass(method.output_type).FromString,
        )
        metadata = ((PRINCIPAL_KEY, f"{self.name} {','.join(self.roles)}"),)
        if method.client_streaming:
            stream = self.channel.stream_stream(path, *codec)(iter([request]), metadata=metadata)
            return [message async for message in stream]
        if method.server_streaming:
            return [message async for message in self.channel.unary_stream(path, *codec)(request, metadata=metadata)]
        return await self.channel.unary_unary(path, *codec)(request, metadata=metadata)

    async def ask(self, name: str, **fields: Any) -> Any:
        """Calls a method by its name alone."""
        (method,) = (method for method in methods() if method.name == name)
        return await self.call(method, **fields)

    async def reason(self, method: MethodDescriptor, **fields: Any) -> str:
        """Gives the reason for which a call fails; empty if it does not."""
        try:
            await self.call(method, **fields)
        except grpc.aio.AioRpcError as error:
            return error_info(error).reason
        return ""


def error_info(error: grpc.aio.AioRpcError) -> ErrorInfo:
    """Gives the detail that names the reason."""
    info = ErrorInfo()
    status = rpc_status.from_call(error)
    assert status is not None
    status.details[0].Unpack(info)
    return info
