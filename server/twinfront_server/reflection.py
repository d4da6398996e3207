"""gRPC reflection, which tools such as grpcurl ask for the contract: v1, and v1alpha for tools that know no other."""

from collections.abc import Sequence
from typing import Any, Final

import grpc.aio
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

_METHOD: Final = "ServerReflectionInfo"
_ALPHA: Final[str] = reflection.SERVICE_NAME
_V1: Final = _ALPHA.replace("v1alpha", "v1")

SERVICE_NAMES: Final = (_V1, _ALPHA)


def serve_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Has the server answer what is asked about these services and all messages, those of error details included."""
    _describe_v1()
    servicer = reflection.aio.ReflectionServicer(services, pool=_Symbols())
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in SERVICE_NAMES:
        # The two differ in nothing but their name.
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {_METHOD: handler}),))


def _describe_v1() -> None:
    """Adds v1 to the pool, where it is looked up like every service; grpcio-reflection has v1alpha alone."""
    pool = descriptor_pool.Default()
    try:
        pool.FindFileContainingSymbol(_V1)
    except KeyError:
        v1 = FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(v1)
        v1.name, v1.package = _as_v1(v1.name), _as_v1(v1.package)
        for field in (field for message in v1.message_type for field in message.field if field.type_name):
            field.type_name = _as_v1(field.type_name)
        for method in v1.service[0].method:
            method.input_type, method.output_type = _as_v1(method.input_type), _as_v1(method.output_type)
        pool.Add(v1)


def _as_v1(name: str) -> str:
    return name.replace("v1alpha", "v1")


class _Symbols:
    """The default pool, which also finds the file of an RPC by the RPC's name, as the protocol of reflection has it."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802  (the pool's name)
        """Gives the file; KeyError if there is no such message, enum, service or RPC."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            return self._pool.FindMethodByName(symbol).containing_service.file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)
