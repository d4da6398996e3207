"""The parts of which a link of the chain is made."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import grpc.aio
from google.protobuf import descriptor_pool

from twinfront_server.call import Call
from twinfront_server.metric_table import RPC_TYPES, RpcType

# Quoted, because grpc knows its types as generic only in the stubs.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

Context = grpc.aio.ServicerContext[Any, Any]

Behaviour = Callable[[Call, Any, Context], Awaitable[Any]]
"""Serves one RPC: takes the request as bytes (a stream: an iterator of them), returns the response as bytes (a stream:
None, having written its messages to the context)."""

HEALTH: Final = "grpc.health.v1.Health"
REFLECTION: Final = frozenset({"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"})

INFRASTRUCTURE: Final = frozenset({HEALTH, *REFLECTION})
"""Services about the server itself: logged at debug, and no reason to keep a draining server up."""


ENDLESS: Final = frozenset({"twinfront.v1.ChangeService/Watch"})
"""Streams that have no end of their own: they end as soon as the server drains, before their connection is cut for its
age, and have no memory set aside for them while they have nothing to say."""


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


UNREGISTERED: Final = Method("other", "other", request_streaming=True, response_streaming=False)
"""Label in metrics of all methods that nobody registered: the name that gRPC gives them (gRFC A66)."""


Link = Callable[[Behaviour, Method], Behaviour]
"""Puts itself around a behaviour; called once per method. The one form serves all four cardinalities.

A link around messages has the same form: its behaviour takes and returns messages where the others have bytes. There
are such links around methods of one request and one response only.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Says where in the chain a link stands.

    Attributes:
        name: of the link.
        link: the link.
        reason: why it stands there.
        inside: the names of the links that have to stand around it for that reason.
    """

    name: str
    link: Link
    reason: str
    inside: tuple[str, ...] = ()


def in_order(places: Iterable[Place]) -> dict[str, Link]:
    """Gives links by name, the outermost first.

    Raises:
        ValueError: a link does not stand inside all that it has to.
    """
    links: dict[str, Link] = {}
    for place in places:
        if missing := [name for name in place.inside if name not in links]:
            message = f"The link {place.name} has to stand inside {', '.join(missing)}: {place.reason}."
            raise ValueError(message)
        links[place.name] = place.link
    return links
