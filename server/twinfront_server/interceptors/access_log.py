"""One line in the log for every RPC, without payloads, and without ids of twins unless a setting wants them."""

import logging
from time import perf_counter
from typing import Any, Final

import grpc

from twinfront_program.log import Log, frequent_event
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
    tell = frequent_event(log, EVENT)

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        usual = logging.DEBUG if method.service in INFRASTRUCTURE else logging.INFO

        async def logged(call: Call, request: Any, context: Context) -> Any:
            start = perf_counter()
            try:
                return await proceed(call, request, context)
            finally:
                level = _LEVELS.get(call.code, usual)
                if log.is_enabled_for(level):
                    tell(level, _fields(call, perf_counter() - start, context.peer()))

        return logged

    return link


def _fields(call: Call, seconds: float, peer: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"call_id": call.call_id}
    if call.trace_id:
        fields["trace_id"] = call.trace_id
    fields["method"] = call.method
    fields["code"] = call.code.name
    fields["reason"] = call.reason or ""
    fields["ms"] = _milliseconds(seconds)
    fields["peer"] = peer
    if call.principal is not ANONYMOUS:
        fields["principal"] = call.principal.name
    fields.update(call.ids)
    fields["upstream_ms"] = _milliseconds(call.upstream_seconds)
    fields["upstream_attempts"] = call.upstream_attempts
    if call.items:
        fields["items"], fields["failed"] = call.items, call.failed_items
    if call.query_charge is not None:
        fields["query_charge"] = call.query_charge
    if call.validate_only:
        fields["validate_only"] = True
    if call.replayed:
        fields["replayed"] = True
    if call.cause:
        fields["cause"] = call.cause
    return fields


def _milliseconds(seconds: float) -> float:
    """Gives milliseconds with three digits, in a fifth of the time that `round` takes for digits."""
    return round(seconds * 1e6) / 1000
