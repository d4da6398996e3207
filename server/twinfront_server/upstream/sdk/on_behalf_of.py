"""The identity of whoever calls, for Azure Digital Twins: OAuth 2.0's on-behalf-of flow of Entra ID.

The token that a call came with is exchanged for one that is for Azure Digital Twins and names the same caller. So
Azure decides, by its own roles, what the caller may do there.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import ContentDecodePolicy
from azure.core.rest import AsyncHttpResponse

from twinfront_program.startup_error import StartupError
from twinfront_server.access.bearer import KEY, bearer_token
from twinfront_server.call import current_call
from twinfront_server.upstream.sdk.credential import SCOPE, CallerRefusedError, CredentialError, time_for_token
from twinfront_server.upstream.sdk.pipeline import Policy, Request, Response

Exchange = Callable[[str], Awaitable[AccessToken]]
"""Gives a token for Azure Digital Twins for the token of a caller."""

MAX_KEPT: Final = 10_000
"""Tokens that are kept; beyond that the one that was not used for longest is exchanged again."""

SPARE_SECONDS: Final = 120
"""How long before its end a token is exchanged again: it has to last until Azure has looked at it."""

_EXCHANGE_SECONDS: Final = 30.0
_OF_THE_CALLER: Final = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""Errors of Entra ID about the caller: the token has ended or was withdrawn, or there is something to agree to."""

_Key = tuple[str, bytes]


class CallerTokens:
    """Exchanges the tokens of callers, each of them once, and keeps what it got until that ends.

    Args:
        exchange: asks for a token.
        clock: the time in seconds since 1970.
    """

    def __init__(self, exchange: Exchange, *, clock: Callable[[], float] = time.time) -> None:
        self._exchange = exchange
        self._clock = clock
        self._kept: OrderedDict[_Key, AccessToken] = OrderedDict()
        self._asked: dict[_Key, asyncio.Task[AccessToken]] = {}

    async def token(self, principal: str, assertion: str) -> str:
        """Gives the token for Azure Digital Twins of a caller.

        Args:
            principal: the name of the caller.
            assertion: the token that the call came with.

        Raises:
            CallerRefusedError: Entra ID gives none for this caller.
            CredentialError: there is none to be had for other reasons.
        """
        key = (principal, sha256(assertion.encode()).digest())
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept.expires_on - SPARE_SECONDS:
            self._kept.move_to_end(key)
            return kept.token
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.create_task(self._exchanged(assertion))
            asked.add_done_callback(partial(self._keep, key))
        # Whoever goes away leaves it to those who wait for the same.
        return (await asyncio.shield(asked)).token

    async def _exchanged(self, assertion: str) -> AccessToken:
        try:
            async with asyncio.timeout(_EXCHANGE_SECONDS):
                return await self._exchange(assertion)
        except CredentialError:
            raise
        except Exception as error:
            raise CredentialError(f"{type(error).__name__}: {error}") from error

    def _keep(self, key: _Key, asked: asyncio.Task[AccessToken]) -> None:
        del self._asked[key]
        self._kept.pop(key, None)
        if asked.cancelled() or asked.exception() is not None:
            return
        self._kept[key] = asked.result()
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


class CallerCredentialPolicy(Policy):
    """Puts on each request the token of the caller that it is sent for; a look at the upstream's health has none."""

    def __init__(self, tokens: CallerTokens) -> None:
        super().__init__()
        self._tokens = tokens

    async def send(self, request: Request) -> Response:
        """Gets a token and adds it.

        Raises:
            CredentialError: there is none to be had.
        """
        call = current_call()
        assertion = bearer_token([value for key, value in call.metadata if key == KEY])
        if assertion is not None:
            call.delegated = True
            try:
                async with time_for_token(request):
                    token = await self._tokens.token(call.principal.name, assertion)
            except TimeoutError as error:
                raise CredentialError("No token came in time.") from error
            request.http_request.headers["Authorization"] = f"Bearer {token}"
        elif call.method:
            raise CredentialError("The call came without a token that could be exchanged.")
        return await self.next.send(request)


def exchange_of(variables: Mapping[str, str]) -> Exchange:
    """Makes the exchange of the server that the standard variables name.

    Args:
        variables: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, and one of `AZURE_CLIENT_SECRET`,
            `AZURE_CLIENT_CERTIFICATE_PATH` and `AZURE_FEDERATED_TOKEN_FILE` (workload identity).

    Raises:
        StartupError: one is missing, or the certificate cannot be read.
    """
    missing = [name for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID") if not variables.get(name)]
    if missing:
        raise StartupError(f"--upstream-credential on-behalf-of needs {' and '.join(missing)} in the environment")
    from azure.identity.aio import OnBehalfOfCredential  # noqa: PLC0415  (slow to import, and only of use on Azure)

    logging.getLogger("azure.identity").setLevel(logging.ERROR)
    make = partial(OnBehalfOfCredential, variables["AZURE_TENANT_ID"], variables["AZURE_CLIENT_ID"])
    proof = _proof(variables)
    try:
        make(user_assertion="none", **proof)
    except ValueError as error:
        raise StartupError(f"--upstream-credential on-behalf-of: {error}") from error

    async def exchange(assertion: str) -> AccessToken:
        async with make(user_assertion=assertion, **proof) as credential:
            try:
                return await credential.get_token(SCOPE)
            except ClientAuthenticationError as error:
                kind = CallerRefusedError if _said(error) in _OF_THE_CALLER else CredentialError
                raise kind(f"{type(error).__name__}: {error.message}") from error

    return exchange


def _proof(variables: Mapping[str, str]) -> dict[str, Any]:
    """Finds what proves to Entra ID that this is the server."""
    if variables.get("AZURE_CLIENT_SECRET"):
        return {"client_secret": variables["AZURE_CLIENT_SECRET"]}
    certificate = variables.get("AZURE_CLIENT_CERTIFICATE_PATH")
    if certificate:
        try:
            password = variables.get("AZURE_CLIENT_CERTIFICATE_PASSWORD")
            return {"client_certificate": Path(certificate).read_bytes(), "password": password}
        except OSError as error:
            raise StartupError(f"AZURE_CLIENT_CERTIFICATE_PATH {certificate} cannot be read: {error}") from error
    federated = variables.get("AZURE_FEDERATED_TOKEN_FILE")
    if federated:
        return {"client_assertion_func": Path(federated).read_text}  # read at each exchange, for it is renewed
    raise StartupError(
        "--upstream-credential on-behalf-of needs AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or "
        "AZURE_FEDERATED_TOKEN_FILE in the environment"
    )


def _said(error: ClientAuthenticationError) -> str:
    """Reads the code of an error of OAuth 2.0; empty if there is none."""
    if error.response is None:
        return ""
    answer = ContentDecodePolicy.deserialize_from_http_generics(cast("AsyncHttpResponse", error.response))
    return str(answer.get("error", "")) if isinstance(answer, dict) else ""
