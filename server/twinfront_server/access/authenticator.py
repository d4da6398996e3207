"""Asks callers who they are, in the ways that the settings allow."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import grpc.aio

from twinfront_program.log import Log
from twinfront_program.settings import listed
from twinfront_program.startup_error import StartupError
from twinfront_server.access.bearer import KEY, bearer_token
from twinfront_server.access.principal import ANONYMOUS, Principal
from twinfront_server.background import running
from twinfront_server.errors import TwinfrontError, credentials_missing
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings

if TYPE_CHECKING:
    from twinfront_server.access.certificates import Certificates
    from twinfront_server.access.tokens import Tokens

_BEARER_WANTED: Final = "a token in 'authorization: Bearer TOKEN'"
_CERTIFICATE_WANTED: Final = "a client certificate"


Metadata = Sequence[tuple[str, str | bytes]]


class Authenticator(Protocol):
    """Knows callers by their credentials."""

    def known(self, metadata: Metadata) -> Principal | None:
        """Gives the principal that a call comes from, if that is known without asking or checking anything."""

    async def authenticate(self, metadata: Metadata, context: "grpc.aio.ServicerContext[Any, Any]") -> Principal:
        """Gives the principal that a call comes from.

        Raises:
            TwinfrontError: CREDENTIALS_MISSING or CREDENTIALS_INVALID.
        """

    async def refuse(self, headers: Sequence[str]) -> str | None:
        """Gives what is wrong with the `Authorization` headers of a request over HTTP, if anything is."""


class _Nobody:
    def known(self, _metadata: Metadata) -> Principal | None:
        return ANONYMOUS

    async def authenticate(self, _metadata: Metadata, _context: "grpc.aio.ServicerContext[Any, Any]") -> Principal:
        return ANONYMOUS

    async def refuse(self, _headers: Sequence[str]) -> str | None:
        return None


NO_AUTHENTICATION: Final[Authenticator] = _Nobody()
"""Asks nobody who he is: that of `--auth none`."""


class CredentialsAuthenticator:
    """Takes a token, a certificate, or either. Who shows a token is judged by it, whatever certificate there is.

    Args:
        tokens: checks tokens; None if they are not looked at.
        certificates: knows the names in certificates; None if they are not looked at.
    """

    def __init__(self, tokens: "Tokens | None", certificates: "Certificates | None") -> None:
        self._tokens = tokens
        self._certificates = certificates

    def known(self, metadata: Metadata) -> Principal | None:
        """Gives the principal of a token that was found good before."""
        if self._tokens is None:
            return None
        header: str | bytes | None = None
        for key, value in metadata:
            if key == KEY:
                if header is not None:
                    return None
                header = value
        return self._tokens.known(header) if isinstance(header, str) else None

    async def authenticate(self, metadata: Metadata, context: "grpc.aio.ServicerContext[Any, Any]") -> Principal:
        """Gives the principal that a call comes from."""
        principal = await self._of_token([value for key, value in metadata if key == KEY])
        if principal is None and self._certificates is not None:
            principal = self._certificates.principal(context.auth_context())
        if principal is not None:
            return principal
        wanted = [_BEARER_WANTED] if self._tokens is not None else []
        wanted += [_CERTIFICATE_WANTED] if self._certificates is not None else []
        raise credentials_missing(f"This server asks who calls: send {' or '.join(wanted)}.")

    async def refuse(self, headers: Sequence[str]) -> str | None:
        """Gives what is wrong with the `Authorization` headers of a request over HTTP, if anything is."""
        try:
            principal = await self._of_token(headers)
        except TwinfrontError as error:
            return error.message
        return None if principal else f"This server asks who calls: send {_BEARER_WANTED}."

    async def _of_token(self, values: Sequence[str | bytes]) -> Principal | None:
        token = None if self._tokens is None else bearer_token(values)
        return None if token is None or self._tokens is None else await self._tokens.principal(token)


@asynccontextmanager
async def open_authenticator(settings: Settings, metrics: Metrics, log: Log) -> AsyncIterator[Authenticator]:
    """Opens what `--auth` says; while it is open, the keys of tokens are followed.

    Raises:
        StartupError: the keys cannot be had.
    """
    if settings.auth_kinds == {"none"}:
        yield NO_AUTHENTICATION
        return
    certificates = None
    if "mtls" in settings.auth_kinds:
        from twinfront_server.access.certificates import Certificates  # noqa: PLC0415  (what reads certificates loads slowly)

        certificates = Certificates()
    if "jwt" not in settings.auth_kinds:
        yield CredentialsAuthenticator(None, certificates)
        return
    async with _open_tokens(settings, metrics, log) as tokens:
        yield CredentialsAuthenticator(tokens, certificates)


@asynccontextmanager
async def _open_tokens(settings: Settings, metrics: Metrics, log: Log) -> "AsyncIterator[Tokens]":
    from twinfront_server.access import key_source  # noqa: PLC0415  (what fetches loads slowly)
    from twinfront_server.access.keys import Keys  # noqa: PLC0415  (as above)
    from twinfront_server.access.tokens import TokenRules, Tokens  # noqa: PLC0415  (as above)

    issuer, place = settings.jwt_issuer or "", settings.jwt_jwks
    source: key_source.KeySource = key_source.DiscoveredKeys(issuer)
    if place is not None:
        source = key_source.KeyUrl(place) if "://" in place else key_source.KeyFile(Path(place))
    try:
        first = await source.read()
    except key_source.KeysUnavailableError as error:
        raise StartupError(f"{'--jwt-issuer' if place is None else '--jwt-jwks'}: {error}") from error
    rules = TokenRules(
        issuer,
        tuple(listed(settings.jwt_audience)),
        settings.jwt_principal_claim,
        settings.jwt_roles_claim,
        settings.jwt_groups_claim,
    )
    keys = Keys(source, first, metrics, log)
    log.info("the keys of tokens are read", keys=len(first.keys), left_out=first.left_out)
    async with running(keys.follow()):
        yield Tokens(rules, keys)
