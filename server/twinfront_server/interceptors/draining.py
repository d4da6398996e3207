"""Refuses calls that come while the server drains, with an answer that says that nothing was done; and ends streams."""

import asyncio
from typing import Any

from twinfront_server.call import Call
from twinfront_server.errors import server_draining
from twinfront_server.interceptors.link import INFRASTRUCTURE, Behaviour, Context, Method


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
        self._stopping = asyncio.Event()

    def begin(self) -> None:
        """Refuses calls from here on."""
        self._draining = True

    def end_streams(self) -> None:
        """Tells the streams in flight that they have to come to their end, see `Call.stopping`."""
        self._stopping.set()

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """The link of the chain that refuses; health and reflection go on."""
        if method.service in INFRASTRUCTURE:
            return proceed
        is_stream = method.request_streaming or method.response_streaming

        async def admitted(call: Call, request: Any, context: Context) -> Any:
            if self._draining:
                self.refused += 1
                raise server_draining("Nothing was changed; try again.")
            if is_stream:
                call.stopping = self._stopping
            return await proceed(call, request, context)

        return admitted
