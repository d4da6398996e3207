"""gRPC reflection, which tools such as grpcurl ask for the contract."""

from collections.abc import Sequence
from typing import Any, Final

import grpc.aio
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha import reflection

SERVICE_NAME: Final[str] = reflection.SERVICE_NAME


def serve_reflection(server: grpc.aio.Server, services: Sequence[str]) -> None:
    """Has the server answer what is asked about these services and all messages, those of error details included."""
    reflection.enable_server_reflection(services, server, pool=_Symbols())


class _Symbols:
    """The default pool, which also finds the file of an RPC by the RPC's name, as the protocol of reflection has it."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802  (the pool's name)
        """The file; KeyError if there is no such message, enum, service or RPC."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            return self._pool.FindMethodByName(symbol).containing_service.file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)
