"""Opens the client of the SDK, with a pipeline that consists of this server's policies alone."""

from typing import Any, Final

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.upstream.sdk.policies import Policies

UNUSED_USER_AGENT: Final[SansIOHTTPPolicy[Any, Any]] = SansIOHTTPPolicy()
"""A client makes policies of its own even if it is to use none, and that of the user agent would run `uname` to learn
of the processor."""


def open_sdk_client(
    endpoint: str, credential: AsyncTokenCredential, transport: AsyncHttpTransport[Any, Any], policies: Policies
) -> DigitalTwinsClient:
    """Opens it over a transport, which it closes."""
    return DigitalTwinsClient(
        endpoint, credential, transport=transport, policies=policies.in_order, user_agent_policy=UNUSED_USER_AGENT
    )
