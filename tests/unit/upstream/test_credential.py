"""A credential that gives no token, whatever keeps it from that: nothing is sent, and the operator has to look."""

import asyncio
from typing import Any

import grpc
import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.digitaltwins.core.aio import DigitalTwinsClient
from prometheus_client import CollectorRegistry

from localtwins.message import Request, Response
from localtwins.service import LocalTwins
from localtwins.transport import LocalTransport
from twinfront_server.call import Call, enter_call
from twinfront_server.errors import TwinfrontError
from twinfront_server.metrics import Metrics
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.sdk.credential import SCOPE, CredentialPolicy
from twinfront_server.upstream.sdk.on_behalf_of import CallerCredentialPolicy, CallerTokens
from twinfront_server.upstream.sdk.pipeline import AttemptsPolicy, BodyPolicy


class NoToken(AsyncTokenCredential):
    """Fails in the given way."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        raise self._failure

    async def close(self) -> None:
        """Nothing to close."""

    async def __aexit__(self, *_args: object) -> None:
        """Nothing to close."""


class Asked(LocalTwins):
    """Counts what it is asked."""

    requests = 0

    async def handle(self, request: Request) -> Response:
        self.requests += 1
        return await super().handle(request)


@pytest.mark.parametrize(
    "failure",
    [
        ClientAuthenticationError("tenant 1234"),
        ServiceRequestError("tenant 1234"),
        OSError("tenant 1234"),
        KeyError("x"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_without_a_token_nothing_is_sent(failure: Exception):
    service = await Asked.open(":memory:")
    policies = [
        BodyPolicy({}),
        AttemptsPolicy(Metrics(CollectorRegistry()), read_retries=2, timeout=30),
        CredentialPolicy(NoToken(failure), SCOPE),
    ]
    sdk = DigitalTwinsClient(
        "https://localtwins", NoToken(failure), transport=LocalTransport(service), policies=policies
    )
    call = Call(call_id="", method="", deadline=None)
    enter_call(call)
    for refused in (
        Upstream(sdk).twins.get("room"),
        Upstream(sdk).twins.delete("room", if_match=""),
        Upstream(sdk).relationships.list("room", "", ""),
    ):
        with pytest.raises(TwinfrontError, match="could get no credential") as error:
            await refused
        assert (error.value.code, error.value.reason) == (grpc.StatusCode.INTERNAL, "UPSTREAM_CREDENTIALS_REJECTED")
        assert "1234" not in str(error.value.status())
        assert type(failure).__name__ in call.cause
    assert service.requests == 0
    await service.close()


class Hanging(NoToken):
    """Gives no token and does not fail."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_write_that_waits_in_vain_for_a_token_was_certainly_not_sent():
    service = await Asked.open(":memory:")
    metrics = Metrics(CollectorRegistry())
    hanging = Hanging(OSError())
    tokens = CallerTokens(lambda _assertion: hanging.get_token(SCOPE))
    for policy in (CredentialPolicy(hanging, SCOPE), CallerCredentialPolicy(tokens)):
        policies = [BodyPolicy({}), AttemptsPolicy(metrics, read_retries=0, timeout=0.05), policy]
        sdk = DigitalTwinsClient("https://localtwins", hanging, transport=LocalTransport(service), policies=policies)
        enter_call(Call(call_id="", method="", deadline=None, metadata=(("authorization", "Bearer t"),)))
        with pytest.raises(TwinfrontError) as error:
            await Upstream(sdk).twins.delete("room", if_match="")
        assert error.value.reason == "UPSTREAM_CREDENTIALS_REJECTED"
    assert service.requests == 0
    await service.close()
