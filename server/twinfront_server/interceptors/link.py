"""The parts of which a link of the chain is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc.aio
from google.protobuf import descriptor_pool

from twinfront_server.call import Call
from twinfront_server.metrics import RPC_TYPES, RpcType

# Quoted, because grpc knows its types as generic only in the stubs.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

Context = grpc.aio.ServicerContext[Any, Any]

Behaviour = Callable[[Call, Any, Context], Awaitable[Any]]
"""Serves one RPC: takes the request as bytes (a stream: an iterator of them), returns the response as bytes (a stream:
None, having written its messages to the context)."""

INFRASTRUCTURE: Final = frozenset(
    {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
)
"""Services about the server itself: logged at debug, and no reason to keep a draining server up."""


@dataclass(frozen=True, slots=True)
class Method:
    """An RPC method, as it is registered."""

    service: str
    name: str
    request_streaming: bool
    response_streaming: bool

    @property
    def full_name(self) -> str:
        """`twinfront.v1.DigitalTwinService/GetDigitalTwin`."""
        return f"{self.service}/{self.name}"

    @property
    def rpc_type(self) -> RpcType:
        """The cardinality, in the words of the metrics."""
        return RPC_TYPES[self.request_streaming, self.response_streaming]

    def takes(self, field: str) -> bool:
        """Tells whether its request is one message that has a field of this name."""
        if self.request_streaming:
            return False
        try:
            method = descriptor_pool.Default().FindMethodByName(f"{self.service}.{self.name}")
        except KeyError:
            return False
        return field in method.input_type.fields_by_name


Link = Callable[[Behaviour, Method], Behaviour]
"""Puts itself around a behaviour; called once per method. The one form serves all four cardinalities.

A link around messages has the same form: its behaviour takes and returns messages where the others have bytes. There
are such links around methods of one request and one response only.
"""
