"""A stand-in for the test helper that the Azure SDK repository keeps to itself, as far as the suite asks for it.

The suite of azure-digitaltwins-core imports it by this name. Where the original plays recordings of the service, this
one lets every request go to the server that AZURE_DIGITALTWINS_URL names, and trusts the authority in
AZURE_DIGITALTWINS_CA.
"""

import os
import secrets
import time
from typing import Any, Self

from azure.core.credentials import AccessToken

__all__ = ["AzureRecordedTestCase"]


class _Credential:
    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)


class _AsyncCredential:
    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)

    async def close(self) -> None:
        """Nothing to do."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Nothing to do."""


class AzureRecordedTestCase:
    """What the suite's test classes inherit."""

    is_live = False  # true makes the suite sleep until the cloud's queries see what was written

    def get_credential(self, _client_class: type, *, is_async: bool = False) -> _Credential | _AsyncCredential:
        return _AsyncCredential() if is_async else _Credential()

    def create_client_from_credential(self, client_class: Any, credential: object, **options: Any) -> Any:
        return client_class(credential=credential, connection_verify=os.environ["AZURE_DIGITALTWINS_CA"], **options)

    def create_random_name(self, prefix: str) -> str:
        return f"{prefix}{secrets.token_hex(8)}"
