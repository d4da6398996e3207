"""Counts and times every RPC, however it ends."""

from time import perf_counter
from typing import Any

from twinfront_server.call import Call
from twinfront_server.interceptors.link import Behaviour, Context, Link, Method
from twinfront_server.metrics import Metrics
from twinfront_server.reasons import Reason


def measure(metrics: Metrics) -> Link:
    """Makes the link that feeds the `grpc_server_…` series and what is counted by reason.

    Of a call about many things each one that fails is counted as it does, for a stream may go on for hours. Messages
    are counted in `messages`, one by one as they pass. Of a stream the server's own time is not told: most of it is its
    caller's.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        series = metrics.method(method.service, method.name, method.rpc_type)

        def count_writes(reason: Reason) -> None:
            if reason is Reason.ETAG_MISMATCH:
                series.etag_conflicts.inc()
            elif reason is Reason.TWIN_HAS_RELATIONSHIPS:
                metrics.blocked_deletes.inc()

        def count_item(reason: Reason) -> None:
            metrics.item_error(method.name, reason)
            count_writes(reason)

        async def measured(call: Call, request: Any, context: Context) -> Any:
            call.on_failed_item = count_item
            series.started.inc()
            start = perf_counter()
            try:
                return await proceed(call, request, context)
            finally:
                series.seconds.observe(perf_counter() - start)
                series.handled[call.code].inc()
                if series.server_seconds is not None:
                    series.server_seconds.observe(call.server_seconds())
                if call.query_charge:
                    metrics.query_charge(call.query_charge)
                if call.reason is not None:
                    metrics.error(call.reason)
                    count_writes(call.reason)

        return measured

    return link
