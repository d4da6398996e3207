"""Answers every exception with a typed error, and notes how the call ended."""

import asyncio
from typing import Any, Final

import grpc
import grpc.aio
from grpc_status import rpc_status

from twinfront_program.log import Log
from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, internal
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method
from twinfront_server.reasons import Reason

PUSHBACK_KEY: Final = "grpc-retry-pushback-ms"


def map_errors(log: Log) -> Link:
    """Makes the link that aborts a call with the status of its `TwinfrontError`.

    Any other exception is a fault: it goes to the log with its traceback, and the caller learns the call id only.
    """

    def link(proceed: Behaviour, _method: Method) -> Behaviour:
        async def mapped(call: Call, request: Any, context: Context) -> Any:
            try:
                return await proceed(call, request, context)
            except TwinfrontError as raised:
                error = raised.renewed()  # what was raised keeps alive the request that it was about
            except grpc.aio.AbortError:
                # Foreign servicers (health, reflection) answer errors on their own.
                call.code = context.code()
                raise
            except asyncio.CancelledError:
                _note_departure(call)
                raise
            except grpc.aio.InternalError as broken:
                _note_departure(call)
                raise _departed() from broken
            except NotImplementedError:
                # What the generated base class does for a method that the servicer lacks; or nobody registered it.
                call.code = grpc.StatusCode.UNIMPLEMENTED
                await context.abort(call.code, f"{call.method} is not implemented.", call.trailing_metadata())
            except Exception:
                log.exception("unexpected exception", call_id=call.call_id, method=call.method)
                error = internal(call.call_id)
            call.failed(error.reason)
            try:
                return await context.abort(error.code, error.message, (*_trailers(error), *call.trailing_metadata()))
            except grpc.aio.InternalError as broken:
                raise _departed() from broken

        return mapped

    return link


def _trailers(error: TwinfrontError) -> tuple[tuple[str, str | bytes], ...]:
    details: tuple[tuple[str, str | bytes], ...] = rpc_status.to_status(error.status()).trailing_metadata
    if error.pushback_ms is None:
        return details
    return (*details, (PUSHBACK_KEY, str(error.pushback_ms)))


def _departed() -> asyncio.CancelledError:
    """Makes what ends a call whose caller left while something was on its way to it.

    Of what grpc raises itself it would write a traceback into the log, and anybody can leave.
    """
    return asyncio.CancelledError()


def _note_departure(call: Call) -> None:
    """Notes that the caller is gone: cancelled, out of time, or its connection broke."""
    if call.remaining() == 0:
        call.failed(Reason.DEADLINE_EXCEEDED)
    else:
        call.code = grpc.StatusCode.CANCELLED
