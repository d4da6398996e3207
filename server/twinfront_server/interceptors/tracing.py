"""Puts every call into its trace."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from typing import Any

from twinfront_server.call import Call
from twinfront_server.interceptors.link import (
    INFRASTRUCTURE,
    UNREGISTERED,
    Behaviour,
    Context,
    Link,
    Method,
)
from twinfront_server.tracing import UNKNOWN_METHOD, Tracing


def trace(tracing: Tracing) -> Link:
    """Makes the link that spans a call; not what probes and tools ask, nor where nothing is traced."""

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        if not tracing.is_on or method.service in INFRASTRUCTURE:
            return proceed
        name = UNKNOWN_METHOD if method == UNREGISTERED else method.full_name

        async def recorded(span: AbstractContextManager[None], call: Call, request: Any, context: Context) -> Any:
            with span:
                return await proceed(call, request, context)

        def traced(call: Call, request: Any, context: Context) -> Awaitable[Any]:
            span = tracing.call(call, name)
            return proceed(call, request, context) if span is None else recorded(span, call, request, context)

        return traced

    return link
