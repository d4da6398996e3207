"""The identity of whoever calls, for Azure Digital Twins: OAuth 2.0's on-behalf-of flow of Entra ID.

The token that a call came with is exchanged for one that is for Azure Digital Twins and names the same caller. So
Azure decides, by its own roles, what the caller may do there.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http import HTTPStatus
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

MAX_KEPT: Final = 10_000
"""Tokens that are kept; beyond that the one that was not used for longest is exchanged again."""

SPARE_SECONDS: Final = 120
"""How long before its end a token is exchanged again: it has to last until Azure has looked at it."""

REFUSED_SECONDS: Final = 10.0
"""How long what Entra ID refused is not asked for again: who consents or signs in anew comes with another token."""

MAX_REFUSED: Final = 1000
"""Tokens of which it is remembered that they were refused."""

_EXCHANGE_SECONDS: Final = 30.0
_MAX_SAID: Final = 1000
"""Characters of what Entra ID says that are kept."""
_REFUSING: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""With these statuses Entra ID has decided; with others it may say something else a moment later."""

_OF_THE_CALLER: Final = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""Errors of Entra ID about the caller: the token has ended or was withdrawn, or there is something to agree to."""

_Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Entra ID's refusal to exchange a token.

    Attributes:
        text: what it said.
        of_the_caller: it is the caller who has no right to a token, or has to do something for it, and not the server.
        claims: what the caller has to ask for with the next token, if anything.
    """

    text: str
    of_the_caller: bool = False
    claims: str = ""

    def error(self) -> CredentialError:
        """Makes the error of it, a new one each time: one that is raised again keeps all that it came through."""
        return CallerRefusedError(self.text, self.claims) if self.of_the_caller else CredentialError(self.text)


Exchange = Callable[[str], Awaitable[AccessToken | Refusal]]
"""Gives a token for Azure Digital Twins for the token of a caller, or what it is refused with."""


class CallerTokens:
    """Exchanges the tokens of callers, each of them once, and keeps what it got until that ends.

    A refusal is kept too, for some seconds: a caller that goes on calling with a token that Entra ID does not take
    would else have Entra ID asked, and wait for it, with every call.

    Args:
        exchange: asks for a token.
        clock: the time in seconds since 1970.
    """

    def __init__(self, exchange: Exchange, *, clock: Callable[[], float] = time.time) -> None:
        self._exchange = exchange
        self._clock = clock
        self._kept: OrderedDict[_Key, AccessToken] = OrderedDict()
        self._refused: OrderedDict[_Key, tuple[Refusal, float]] = OrderedDict()
        self._asked: dict[_Key, asyncio.Task[AccessToken | Refusal]] = {}

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
        refused = self._refused.get(key)
        if refused is not None and self._clock() < refused[1]:
            raise refused[0].error()
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.create_task(self._exchanged(assertion))
            asked.add_done_callback(partial(self._keep, key))
        # Whoever goes away leaves it to those who wait for the same.
        answer = await asyncio.shield(asked)
        if isinstance(answer, Refusal):
            raise answer.error()
        return answer.token

    async def _exchanged(self, assertion: str) -> AccessToken | Refusal:
        try:
            async with asyncio.timeout(_EXCHANGE_SECONDS):
                return await self._exchange(assertion)
        except Exception as error:
            raise CredentialError(f"{type(error).__name__}: {error}") from error

    def _keep(self, key: _Key, asked: "asyncio.Task[AccessToken | Refusal]") -> None:
        del self._asked[key]
        self._kept.pop(key, None)
        self._refused.pop(key, None)
        if asked.cancelled() or asked.exception() is not None:
            return
        answer = asked.result()
        if isinstance(answer, Refusal):
            self._refused[key] = answer, self._clock() + REFUSED_SECONDS
        else:
            self._kept[key] = answer
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        if len(self._refused) > MAX_REFUSED:
            self._refused.popitem(last=False)


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

    async def exchange(assertion: str) -> AccessToken | Refusal:
        async with make(user_assertion=assertion, **proof) as credential:
            try:
                return await credential.get_token(SCOPE)
            except ClientAuthenticationError as error:
                said = _said(error)
                if "error" not in said:
                    raise
                text = f"{type(error).__name__}: {error.message}"[:_MAX_SAID]
                return Refusal(text, said["error"] in _OF_THE_CALLER, said.get("claims", ""))

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


def _said(error: ClientAuthenticationError) -> dict[str, str]:
    """Reads what a refusal of OAuth 2.0 says; empty if it is none. What is longer than it may be is left out."""
    if error.response is None or error.response.status_code not in _REFUSING:
        return {}
    answer = ContentDecodePolicy.deserialize_from_http_generics(cast("AsyncHttpResponse", error.response))
    if not isinstance(answer, dict):
        return {}
    return {name: said for name, said in answer.items() if isinstance(said, str) and len(said) <= _MAX_SAID}
