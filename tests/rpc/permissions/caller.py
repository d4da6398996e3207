"""Calls of one principal or another, by the methods' names."""

from dataclasses import dataclass
from typing import Any

import grpc.aio
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from tests.rpc.access.issuer import Issuer

from twinfront_server.access.rules import RULES, Rule
from twinfront_server.services import CONTRACT

ENDLESS = {"twinfront.v1.ChangeService.Watch"}


def methods() -> list[MethodDescriptor]:
    """Gives every method of the contract, as the descriptors have them."""
    names = [service.full_name for file in CONTRACT for service in file.DESCRIPTOR.services_by_name.values()]
    return [method for name in names for method in descriptor_pool.Default().FindServiceByName(name).methods]


def method_named(name: str) -> MethodDescriptor:
    """Gives the method of a name."""
    (method,) = (method for method in methods() if method.name == name)
    return method


def rule_of(method: MethodDescriptor) -> Rule:
    """Gives what a method takes."""
    return RULES[f"{method.containing_service.full_name}/{method.name}"]


@dataclass(frozen=True)
class Caller:
    """Calls as somebody.

    Attributes:
        channel: where to.
        issuer: of the token.
        name: who it is.
        words: the roles, and the groups, that the token says.
    """

    channel: grpc.aio.Channel
    issuer: Issuer
    name: str = "alice"
    words: tuple[str, ...] = ()

    def known_as(self, name: str, *words: str) -> "Caller":
        return Caller(self.channel, self.issuer, name, words)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = self.issuer.token(sub=self.name, roles=list(self.words), groups=list(self.words))
        return (("authorization", f"Bearer {token}"),)

    async def call(self, method: MethodDescriptor, **fields: Any) -> Any:
        """Calls a method; the messages of a stream come as a list, of one without end the first alone."""
        request = message_factory.GetMessageClass(method.input_type)(**fields)
        path = f"/{method.containing_service.full_name}/{method.name}"
        codec = (
            type(request).SerializeToString,
            message_factory.GetMessageClass(method.output_type).FromString,
        )
        metadata = self.metadata
        if method.client_streaming:
            stream = self.channel.stream_stream(path, *codec)(iter([request]), metadata=metadata)
            return [message async for message in stream]
        if method.server_streaming:
            call = self.channel.unary_stream(path, *codec)(request, metadata=metadata)
            if method.full_name in ENDLESS:
                first = await anext(aiter(call))
                call.cancel()
                return [first]
            return [message async for message in call]
        return await self.channel.unary_unary(path, *codec)(request, metadata=metadata)

    async def ask(self, name: str, **fields: Any) -> Any:
        """Calls a method by its name alone."""
        return await self.call(method_named(name), **fields)

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
