"""Spans of traces around the requests to the upstream."""

from collections.abc import Coroutine
from typing import Any

from twinfront_server.call import current_call
from twinfront_server.tracing import Tracing
from twinfront_server.upstream.operation import Operation
from twinfront_server.upstream.sdk.pipeline import OPERATION, Policy, Request, Response


class TracingPolicy(Policy):
    """Puts each request into the trace of its call, each attempt on its own; stands inside of `AttemptsPolicy`."""

    def __init__(self, tracing: Tracing) -> None:
        super().__init__()
        self._tracing = tracing

    def send(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Sends the request within its span; what is sent for no call, such as a probe, has none."""
        call = current_call()
        if not call.trace_id:
            return self.next.send(request)
        if not call.carried:
            return self._recorded(request)
        headers = request.http_request.headers
        for name, value in call.carried.items():  # quicker than `update`, which is written in Python
            headers[name] = value
        return self.next.send(request)

    async def _recorded(self, request: Request) -> Response:
        sent = request.http_request
        operation: Operation = request.context[OPERATION]
        with self._tracing.request(operation.name, sent.method, sent.url, sent.headers) as end:
            response = await self.next.send(request)
            end.answered(response.http_response.status_code)
        return response
