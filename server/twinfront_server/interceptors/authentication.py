"""Finds out who calls, and turns away whom nobody knows."""

from collections.abc import Awaitable, Collection
from typing import Any

from twinfront_server.access.authenticator import NO_AUTHENTICATION, Authenticator
from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method


def authenticate(authenticator: Authenticator, exempt: Collection[str]) -> Link:
    """Makes the link that sets `Call.principal`.

    Args:
        authenticator: knows callers by their credentials.
        exempt: services that are for everybody; to these all callers are anonymous, whatever credentials they have.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        if authenticator is NO_AUTHENTICATION or method.service in exempt:
            return proceed

        async def asked(call: Call, request: Any, context: Context) -> Any:
            try:
                call.principal = await authenticator.authenticate(call.metadata, context)
            except TwinfrontError as error:
                call.cause = error.message
                raise
            return await proceed(call, request, context)

        def authenticated(call: Call, request: Any, context: Context) -> Awaitable[Any]:
            known = authenticator.known(call.metadata)
            if known is None:
                return asked(call, request, context)
            call.principal = known
            return proceed(call, request, context)

        return authenticated

    return link
