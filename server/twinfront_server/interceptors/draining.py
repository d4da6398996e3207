"""Refuses calls that come while the server drains, with an answer that says that nothing was done."""

from typing import Any

import grpc

from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError
from twinfront_server.interceptors.link import INFRASTRUCTURE, Behaviour, Context, Method

_RETRY_AFTER_SECONDS = 0.1


class Draining:
    """Whether the server drains.

    When a server is stopped, grpc cancels the calls that it holds but has not begun to serve, and their callers cannot
    know that a write of theirs never ran. So those are begun, and refused, before the server is stopped.

    Attributes:
        refused: how many calls were refused.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._draining = False

    def begin(self) -> None:
        """Refuses calls from here on."""
        self._draining = True

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """The link of the chain that refuses; health and reflection go on."""
        if method.service in INFRASTRUCTURE:
            return proceed

        async def admitted(call: Call, request: Any, context: Context) -> Any:
            if self._draining:
                self.refused += 1
                raise TwinfrontError(
                    grpc.StatusCode.UNAVAILABLE,
                    "SERVER_DRAINING",
                    "This server is about to stop. Nothing was changed; try again.",
                    retry_after=_RETRY_AFTER_SECONDS,
                )
            return await proceed(call, request, context)

        return admitted
