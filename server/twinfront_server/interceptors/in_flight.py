"""The RPCs being served: a gauge for the dashboard, and what a draining server waits for."""

import asyncio
from typing import Any

from prometheus_client import Gauge

from twinfront_server.call import Call
from twinfront_server.interceptors.link import INFRASTRUCTURE, Behaviour, Context, Method


class InFlight:
    """Counts RPCs; health watches and reflection streams, which may never end, are not among them."""

    def __init__(self, gauge: Gauge) -> None:
        self._count = 0
        # Looked at when the page is written, which spares every call two updates.
        gauge.set_function(lambda: self._count)
        self._idle = asyncio.Event()
        self._idle.set()

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """Makes the link of the chain that counts."""
        if method.service in INFRASTRUCTURE:
            return proceed

        async def counted(call: Call, request: Any, context: Context) -> Any:
            self._count += 1
            self._idle.clear()
            try:
                return await proceed(call, request, context)
            finally:
                self._count -= 1
                if self._count == 0:
                    self._idle.set()

        return counted

    @property
    def is_idle(self) -> bool:
        """Tells whether no RPC is being served."""
        return self._count == 0

    async def idle(self) -> None:
        """Returns when no RPC is being served."""
        await self._idle.wait()
