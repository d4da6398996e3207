"""Ends a call when its time is up, early enough that the caller still gets the typed answer."""

import asyncio
from typing import Any, Final

from twinfront_program.alarms import Alarms
from twinfront_server.call import Call
from twinfront_server.errors import deadline_exceeded
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method

_MARGIN_SECONDS: Final = 0.05
_MARGIN_SHARE: Final = 0.1
"""The answer leaves this much before the deadline: 50 ms, or a tenth of a short one."""

_ROUNDING_SHARE: Final = 0.01
"""How much longer than the caller means a deadline can arrive here: grpc sends it rounded up to two or three digits."""


def bound(default: float, maximum: float) -> Link:
    """Makes the link that sets `Call.deadline` and enforces it.

    Args:
        default: seconds for a call whose caller gave no deadline.
        maximum: seconds that no caller can exceed.

    Neither applies to streams, which live as long as their callers want.
    """
    alarms = Alarms()

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        is_stream = method.request_streaming or method.response_streaming

        async def bounded(call: Call, request: Any, context: Context) -> Any:
            # types-grpcio forgets that there may be no deadline.
            seconds: float | None = context.time_remaining()
            if not is_stream:
                seconds = default if seconds is None else min(seconds, maximum)
            if seconds is None:
                return await proceed(call, request, context)
            margin = min(_MARGIN_SECONDS, seconds * _MARGIN_SHARE) + seconds * _ROUNDING_SHARE
            call.deadline = asyncio.get_running_loop().time() + seconds - margin
            if seconds <= 0:
                raise deadline_exceeded()
            alarm = alarms.at(call.deadline)
            try:
                with alarm:
                    return await proceed(call, request, context)
            except TimeoutError:
                if alarm.rang:
                    raise deadline_exceeded(call.unfinished) from None
                raise

        return bounded

    return link
