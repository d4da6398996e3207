"""The server's own credential for Azure Digital Twins."""

import asyncio
import logging
from typing import Any, Final

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest

SCOPE: Final = "https://digitaltwins.azure.net/.default"


class CredentialError(AzureError):
    """No token could be had, so nothing was sent to the upstream.

    The cause may be an answer of the identity service, whose status says nothing about the call.
    """


class CallerRefusedError(CredentialError):
    """No token could be had for the caller, who is at fault or may not have one.

    Attributes:
        claims: what the caller has to ask for with the next token, as Entra ID's JSON; empty if that would not help.
    """

    def __init__(self, message: str, claims: str = "") -> None:
        super().__init__(message)
        self.claims = claims


def time_for_token(request: PipelineRequest[HttpRequest]) -> asyncio.Timeout:
    """Bounds the wait for a token, to be used with `async with`.

    It ends before that for the upstream's answer: when that one ends, the request may have been sent.
    """
    return asyncio.timeout(request.context.options.get("read_timeout"))


class CredentialPolicy(AsyncBearerTokenCredentialPolicy[HttpRequest, AsyncHttpResponse]):
    """Puts the token of the server's credential on each request."""

    async def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Gets a token, from the cache if there is one, and adds it.

        Raises:
            CredentialError: there is none to be had.
        """
        try:
            async with time_for_token(request):
                await super().on_request(request)
        except Exception as error:
            raise CredentialError(f"{type(error).__name__}: {error}") from error


class NoCredential(AsyncTokenCredential):
    """Stands in where no token is sent: the SDK's client wants a credential, its slim pipeline never asks it."""

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Raises, because nobody calls it."""
        raise NotImplementedError

    async def close(self) -> None:
        """Has nothing to close."""

    async def __aexit__(self, *args: object) -> None:
        """Has nothing to close."""


NO_CREDENTIAL: Final = NoCredential()


def default_credential() -> AsyncTokenCredential:
    """Makes Azure's DefaultAzureCredential: environment, workload or managed identity, developer tools.

    Raises:
        ImportError: if azure-identity is not installed.
    """
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415  (slow to import, and only of use on Azure)

    # Its warnings say what its exceptions say, and those are logged with the operation that they kept from being sent.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
    return DefaultAzureCredential()
