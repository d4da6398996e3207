"""Asks a service that decides for Envoy (`envoy.service.auth.v3`), such as that of Open Policy Agent.

It is shown a call as Envoy shows it the calls that pass there: as a POST to the RPC's path, from a principal. What the
call is about, which Envoy could not know, stands beside it among the context extensions.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc.code_pb2 import Code

from twinfront.v1.envoy.external_auth_pb2 import AttributeContext, CheckRequest, CheckResponse
from twinfront_program.settings import listed
from twinfront_program.startup_error import StartupError
from twinfront_server.access.authorizer import ALLOWED, Authorizer, Decision, Question
from twinfront_server.access.rules import RULES
from twinfront_server.errors import shortened
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings

_CHECK: Final = "/envoy.service.auth.v3.Authorization/Check"

_OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    # A service that comes back is found within a second or so, and not after minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # No call has to wait for a connection because there was none for a while.
    ("grpc.client_idle_timeout_ms", 2**31 - 1),
    # One that vanished without a word is noticed. Servers take more frequent pings for an attack.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 5000),
    ("grpc.max_receive_message_length", 64 << 10),
    # Proxies of the environment lead out of here, and this is inside.
    ("grpc.enable_http_proxy", 0),
    ("grpc.primary_user_agent", "twinfront"),
)

_KINDS: Final = {
    "DigitalTwinService": "digital_twin",
    "RelationshipService": "relationship",
    "TelemetryService": "digital_twin",
    "ModelService": "model",
    "QueryService": "query",
    "EventRouteService": "event_route",
    "JobService": "job",
    "GraphService": "graph",
    "ChangeService": "graph",
}
"""Kinds of the resources that the RPCs of a service are about, components aside."""

_OWN_FAILURES: Final = frozenset(
    {Code.CANCELLED, Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.UNIMPLEMENTED, Code.INTERNAL, Code.UNAVAILABLE}
    | {Code.DATA_LOSS}
)
"""The codes that say nothing of the caller, but that the service could not decide."""


class ExternalAuthorization:
    """A service that decides.

    Args:
        channel: leads to it.
        host: its name, as in the URL.
        timeout: seconds for an answer, connecting included.
    """

    def __init__(self, channel: grpc.aio.Channel, host: str, timeout: float) -> None:
        # Its answers are parsed here: what does not parse is no answer, and no fault.
        self._check: grpc.aio.UnaryUnaryMultiCallable[CheckRequest, bytes] = channel.unary_unary(
            _CHECK, request_serializer=CheckRequest.SerializeToString
        )
        self._host = host
        self._timeout = timeout

    async def decide(self, question: Question) -> Decision:
        """Asks, and gives the decision, or why there is none."""
        try:
            data: bytes = await self._check(check_request(question, self._host), timeout=self._timeout)
        except grpc.aio.AioRpcError as error:
            return Decision("failed", cause=f"the authorizer: {error.code().name}: {shortened(error.details() or '')}")
        return read_decision(data)


def check_request(question: Question, host: str = "") -> CheckRequest:
    """Makes the request that asks a question."""
    path, resource = f"/{question.method}", question.resource
    service = question.method.partition("/")[0].rpartition(".")[2]
    shown = {":method": "POST", ":path": path, ":authority": host, "content-type": "application/grpc"}
    return CheckRequest(
        attributes=AttributeContext(
            source=AttributeContext.Peer(principal=_sound(question.principal.name)),
            request=AttributeContext.Request(
                http=AttributeContext.HttpRequest(
                    id=_sound(question.call_id),
                    method="POST",
                    path=path,
                    host=host,
                    scheme="http",
                    protocol="HTTP/2",
                    headers=shown | {name: _sound(value) for name, value in question.headers.items()},
                )
            ),
            context_extensions={
                "principal_source": question.principal.source,
                "action": RULES[question.method].permission or "",
                "resource": "component" if "component_name" in resource else _KINDS[service],
                **resource,
            },
        )
    )


def read_decision(data: bytes) -> Decision:
    """Gives the decision that an answer is; one that has none, or two, is none.

    That OK is what a missing code stands for in protobuf is no decision either: the status has to be there.
    """
    try:
        answer = CheckResponse.FromString(data)
    except DecodeError:
        return Decision("failed", cause="the authorizer answered what is no CheckResponse")
    status, is_refusal = answer.status, answer.HasField("denied_response")
    if not answer.HasField("status") or (status.code == Code.OK and is_refusal):
        return Decision("failed", cause="the authorizer answered without a decision")
    if status.code == Code.OK:
        return ALLOWED
    cause = shortened(f"the authorizer: {_name(status.code)}: {status.message}")
    if status.code not in Code.values() or status.code in _OWN_FAILURES:
        return Decision("failed", cause=cause)
    return Decision("denied", shortened(answer.denied_response.body.strip()), cause)


@asynccontextmanager
async def reaching(settings: Settings) -> AsyncIterator[ExternalAuthorization]:
    """Has the service of the settings within reach, for the time of a block.

    Raises:
        StartupError: the authorities to check its certificate against cannot be read.
    """
    async with _open_channel(settings) as channel:
        channel.get_state(try_to_connect=True)
        yield ExternalAuthorization(channel, (settings.authorize or "").partition("://")[2], settings.authorize_timeout)


@asynccontextmanager
async def asking(settings: Settings, metrics: Metrics) -> AsyncIterator[Authorizer]:
    """Has the service of the settings asked, for the time of a block.

    Raises:
        StartupError: the authorities to check its certificate against cannot be read.
    """
    async with reaching(settings) as system:
        authorizer = Authorizer(
            system,
            metrics,
            kept_seconds=settings.authorize_cache,
            headers=tuple(listed(settings.authorize_headers)),
        )
        try:
            yield authorizer
        finally:
            await authorizer.close()


def _open_channel(settings: Settings) -> grpc.aio.Channel:
    """Makes the channel to the service of the settings."""
    scheme, _, address = (settings.authorize or "").partition("://")
    target = f"dns:///{address}"
    if scheme == "grpc":
        return grpc.aio.insecure_channel(target, _OPTIONS)
    authorities = None
    if settings.authorize_ca is not None:
        try:
            authorities = Path(settings.authorize_ca).read_bytes()
        except OSError as error:
            raise StartupError(f"--authorize-ca {settings.authorize_ca}: {error.strerror or error}") from error
        if b"-----BEGIN CERTIFICATE-----" not in authorities:
            raise StartupError(f"--authorize-ca {settings.authorize_ca}: has no certificate, PEM")
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(authorities), _OPTIONS)


def _name(code: int) -> str:
    return Code.Name(code) if code in Code.values() else str(code)


def _sound(text: str) -> str:
    """Gives a text that can be a string of protobuf's."""
    return text.encode(errors="replace").decode()
