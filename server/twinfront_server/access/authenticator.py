"""Asks callers who they are."""

from typing import Any, Final, Protocol

import grpc.aio

from twinfront_server.access.principal import ANONYMOUS, Principal


class Authenticator(Protocol):
    """Knows callers by their credentials."""

    async def authenticate(self, context: "grpc.aio.ServicerContext[Any, Any]") -> Principal:
        """Gives the principal that a call comes from.

        Raises:
            TwinfrontError: CREDENTIALS_MISSING or CREDENTIALS_INVALID.
        """


class _Nobody:
    """Asks nobody who he is."""

    async def authenticate(self, _context: "grpc.aio.ServicerContext[Any, Any]") -> Principal:
        """Gives the anonymous principal."""
        return ANONYMOUS


NO_AUTHENTICATION: Final[Authenticator] = _Nobody()
"""That of `--auth none`."""
