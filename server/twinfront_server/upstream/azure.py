"""Azure Digital Twins as upstream: the SDK over HTTPS."""

import os
from typing import Final

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport

from twinfront_server import __version__
from twinfront_server.audit import Audit
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.tracing import Tracing
from twinfront_server.upstream.changes.opening import open_followed, open_log, open_remote
from twinfront_server.upstream.client import Upstream
from twinfront_server.upstream.sdk.authorities import authorities
from twinfront_server.upstream.sdk.bounded_answers import ENCODINGS, BoundedConnector, response_class
from twinfront_server.upstream.sdk.circuit_breaker import CircuitBreaker
from twinfront_server.upstream.sdk.credential import NO_CREDENTIAL, SCOPE, CredentialPolicy, default_credential
from twinfront_server.upstream.sdk.not_connected import NotConnectedError
from twinfront_server.upstream.sdk.on_behalf_of import CallerCredentialPolicy, CallerTokens, exchange_of
from twinfront_server.upstream.sdk.policies import Policies
from twinfront_server.upstream.sdk.sdk_client import open_sdk_client
from twinfront_server.upstream.shaping import open_shaper

_HEADERS: Final = {"User-Agent": f"twinfront/{__version__}", "Accept-Encoding": ENCODINGS}


async def open_azure(settings: Settings, metrics: Metrics, tracing: Tracing, audit: Audit) -> Upstream:
    """Opens connections to the endpoint of the settings; the first one is made by the first call.

    Raises:
        StartupError: if the CA file cannot be read, or nothing proves to Entra ID that this is the server.
    """
    log = open_log(settings) if settings.changes is not None else None
    circuit = CircuitBreaker(metrics, settings.upstream_failures)
    policies = Policies(settings, metrics, tracing, _HEADERS, circuit)
    credential: AsyncTokenCredential = NO_CREDENTIAL
    if settings.upstream_credential == "default":
        credential = default_credential()
        policies.in_order.append(CredentialPolicy(credential, SCOPE))
    elif settings.upstream_credential == "on-behalf-of":
        policies.in_order.append(CallerCredentialPolicy(CallerTokens(exchange_of(os.environ))))
    session = aiohttp.ClientSession(
        # Connections are as many as calls in flight; with a limit here calls would wait unseen.
        connector=BoundedConnector(limit=0, ssl=authorities("--upstream-ca", settings.upstream_ca) or True),
        trust_env=settings.upstream_use_env_proxy,
        response_class=response_class(settings.max_upstream_answer_bytes),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=[_send_once],
    )
    transport = AioHttpTransport(session=session, session_owner=True, use_env_settings=settings.upstream_use_env_proxy)
    sdk = open_sdk_client(settings.upstream, credential, transport, policies)
    changes = open_followed(metrics, sdk, log) if log is not None else open_remote(settings, metrics, sdk)
    return Upstream(
        sdk,
        policies.dry_runs,
        policies.refused_writes,
        on_close=credential.close,
        on_settled=metrics.settled_write,
        outage=circuit.opened,
        audit=audit,
        shaper=open_shaper(settings, metrics),
        changes=changes,
        is_delegated=settings.upstream_credential == "on-behalf-of",
    )


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending again what was lost with its connection.

    It does so with every PUT and DELETE, on the grounds that they are idempotent. Under a condition they are not: the
    second one meets the effects of the first. `AttemptsPolicy` decides what is sent again.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError as error:
        raise NotConnectedError(error, error=error) from error
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ServiceResponseError(error, error=error) from error
