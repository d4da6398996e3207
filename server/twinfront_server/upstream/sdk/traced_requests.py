"""Spans of traces around the requests to the upstream."""

from twinfront_server.call import current_call
from twinfront_server.tracing import Tracing
from twinfront_server.upstream.operation import Operation
from twinfront_server.upstream.sdk.pipeline import OPERATION, Policy, Request, Response


class TracingPolicy(Policy):
    """Puts each request into the trace of its call, each attempt on its own; stands inside of `AttemptsPolicy`."""

    def __init__(self, tracing: Tracing) -> None:
        super().__init__()
        self._tracing = tracing

    async def send(self, request: Request) -> Response:
        """Sends the request within its span; what is sent for no call, such as a probe, has none."""
        call, sent = current_call(), request.http_request
        if call.carried:
            for name, value in call.carried.items():  # quicker than `update`, which is of Python
                sent.headers[name] = value
            return await self.next.send(request)
        if not call.trace_id:
            return await self.next.send(request)
        operation: Operation = request.context[OPERATION]
        with self._tracing.request(operation.name, sent.method, sent.url, sent.headers) as end:
            response = await self.next.send(request)
            end.answered(response.http_response.status_code)
        return response
