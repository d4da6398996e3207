"""A service that decides for Envoy, and what it was asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
import grpc.aio
from google.rpc.code_pb2 import Code

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse

YES = CheckResponse(status={"code": Code.OK})
# A status of code 0 is empty, and there all the same.
YES.status.SetInParent()

Answer = CheckResponse | bytes
Decide = Callable[[AttributeContext], Awaitable[Answer]]


def no(body: str = "", *, code: int = Code.PERMISSION_DENIED, message: str = "") -> CheckResponse:
    """Gives a refusal."""
    return CheckResponse(status={"code": code, "message": message}, denied_response=DeniedHttpResponse(body=body))


async def allow(_asked: AttributeContext) -> Answer:
    return YES


async def deny(_asked: AttributeContext) -> Answer:
    return no()


async def hang(_asked: AttributeContext) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


def _serialized(answer: Answer) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


@dataclass
class PolicyServer:
    """The service, served on this machine.

    Attributes:
        decide: gives its answers.
        asked: what it was asked, in that order.
        most_at_a_time: how many questions it had before it at most.
        port: where it is served, once it is.
        credentials: of its TLS; in the clear without.
    """

    decide: Decide = allow
    asked: list[AttributeContext] = field(default_factory=list)
    most_at_a_time: int = 0
    port: int = 0
    credentials: grpc.ServerCredentials | None = None
    _at_a_time: int = 0
    _server: Any = None

    @property
    def url(self) -> str:
        return f"{'grpcs' if self.credentials else 'grpc'}://localhost:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Serves; after it was killed, where it was before."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler = grpc.unary_unary_rpc_method_handler(
            self._check,
            request_deserializer=CheckRequest.FromString,
            response_serializer=_serialized,
        )
        service = grpc.method_handlers_generic_handler("envoy.service.auth.v3.Authorization", {"Check": handler})
        self._server.add_generic_rpc_handlers((service,))
        address = f"localhost:{self.port}"
        if self.credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, self.credentials)
        await self._server.start()

    async def kill(self) -> None:
        """Stops at once, whatever it was asked."""
        await self._server.stop(None)

    async def _check(self, request: CheckRequest, _context: Any) -> Answer:
        self.asked.append(request.attributes)
        self._at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self._at_a_time)
        try:
            return await self.decide(request.attributes)
        finally:
            self._at_a_time -= 1

    def resources(self) -> list[dict[str, str]]:
        """Gives what it was asked about."""
        return [dict(asked.context_extensions) for asked in self.asked]

    def paths(self) -> list[str]:
        """Gives the RPCs that it was asked about."""
        return [asked.request.http.path.rpartition("/")[2] for asked in self.asked]
