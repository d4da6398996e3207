"""One line in the log for every RPC, without payloads, and without ids of twins unless a setting wants them."""

import logging
from time import perf_counter
from typing import Any, Final

import grpc

from twinfront_program.log import Log
from twinfront_server.access.principal import ANONYMOUS
from twinfront_server.call import Call
from twinfront_server.interceptors.link import INFRASTRUCTURE, Behaviour, Context, Link, Method

EVENT: Final = "rpc"

_LEVELS: Final = {
    grpc.StatusCode.DEADLINE_EXCEEDED: logging.WARNING,
    grpc.StatusCode.RESOURCE_EXHAUSTED: logging.WARNING,
    grpc.StatusCode.UNAVAILABLE: logging.WARNING,
    grpc.StatusCode.DATA_LOSS: logging.ERROR,
    grpc.StatusCode.INTERNAL: logging.ERROR,
    grpc.StatusCode.UNKNOWN: logging.ERROR,
}
"""Levels of the codes that are not the caller's doing and worth a look; every other code is INFO."""


def log_access(log: Log) -> Link:
    """Makes the link that writes the line, when the RPC has ended."""

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        usual = logging.DEBUG if method.service in INFRASTRUCTURE else logging.INFO

        async def logged(call: Call, request: Any, context: Context) -> Any:
            start = perf_counter()
            try:
                return await proceed(call, request, context)
            finally:
                level = _LEVELS.get(call.code, usual)
                if log.is_enabled_for(level):
                    log.log(
                        level,
                        EVENT,
                        call_id=call.call_id,
                        **({"trace_id": call.trace_id} if call.trace_id else {}),
                        method=call.method,
                        code=call.code.name,
                        reason=call.reason or "",
                        ms=round((perf_counter() - start) * 1000, 3),
                        peer=context.peer(),
                        **({} if call.principal is ANONYMOUS else {"principal": call.principal.name}),
                        **call.ids,
                        upstream_ms=round(call.upstream_seconds * 1000, 3),
                        upstream_attempts=call.upstream_attempts,
                        **({"items": call.items, "failed": call.failed_items} if call.items else {}),
                        **({} if call.query_charge is None else {"query_charge": call.query_charge}),
                        **({"validate_only": True} if call.validate_only else {}),
                        **({"replayed": True} if call.replayed else {}),
                        **({"cause": call.cause} if call.cause else {}),
                    )

        return logged

    return link
