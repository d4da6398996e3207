"""Holds calls that come while the server drains, and refuses them saying that nothing was done; and ends streams."""

import asyncio
from typing import Any

from twinfront_server.call import Call
from twinfront_server.errors import server_draining
from twinfront_server.interceptors.link import ENDLESS, INFRASTRUCTURE, Behaviour, Context, Method


class Draining:
    """Holds calls while the server drains.

    When a server is stopped, grpc cancels the calls that it has not begun to serve, those that come until the clients
    know of it included, and their callers cannot know that a write of theirs never ran. So calls are held first: their
    callers wait for an answer, and for the moment send nothing. Then the server is stopped, which tells the clients to
    go elsewhere, and only then are they answered: a caller that tries again does so elsewhere.

    Attributes:
        held: how many calls were held.
    """

    def __init__(self) -> None:
        self.held = 0
        self._draining = False
        self._refusing = asyncio.Event()
        self._stopping = asyncio.Event()

    def hold(self) -> None:
        """Holds calls from here on."""
        self._draining = True

    def begin(self) -> None:
        """Refuses calls from here on, those that are held among them, and has streams end that would go on for ever."""
        self._draining = True
        self._refusing.set()

    def end_streams(self) -> None:
        """Tells the streams in flight that they have to come to their end, see `Call.stopping`."""
        self._stopping.set()

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """Makes the link of the chain that holds and refuses; health and reflection go on."""
        if method.service in INFRASTRUCTURE:
            return proceed
        is_stream = method.request_streaming or method.response_streaming
        stopping = self._refusing if method.full_name in ENDLESS else self._stopping

        async def admitted(call: Call, request: Any, context: Context) -> Any:
            if self._draining:
                self.held += 1
                await self._refusing.wait()
                raise server_draining("Nothing was changed; try again.")
            if is_stream:
                call.stopping = stopping
            return await proceed(call, request, context)

        return admitted
