"""Dry runs: asking an upstream what a write would end in, without the write.

localtwins can tell: a request with the header `localtwins-validate-only` is answered as always and changes nothing, and
the answer says so in a header of its own. Azure Digital Twins would ignore the header and write.
"""

from typing import Final

from twinfront_server.call import current_call
from twinfront_server.errors import NO_RETRY, TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Operation
from twinfront_server.upstream.sdk.pipeline import Policy, Request, Response

REQUEST_HEADER: Final = "localtwins-validate-only"
ANSWER_HEADER: Final = "localtwins-validated-only"


class ValidateOnlyPolicy(Policy):
    """Sends the header with every request of a dry run, and nothing but probes until an answer has shown its effect.

    Attributes:
        supported: whether the upstream can carry out dry runs; None as long as it has not been asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.supported: bool | None = None

    async def send(self, request: Request) -> Response:
        """Sends the request; of a dry run as one.

        Raises:
            TwinfrontError: VALIDATE_ONLY_UNSUPPORTED if the request must not be sent; UPSTREAM_ANSWER_UNEXPECTED if the
                upstream carried it out and does not say that it was a dry run.
        """
        call = current_call()
        if not call.validate_only:
            return await self.next.send(request)
        operation: Operation = request.context.options["operation"]
        is_probe = operation is operations.PROBE
        if not (is_probe or self.supported):
            raise validate_only_unsupported()
        request.http_request.headers[REQUEST_HEADER] = "true"
        response = await self.next.send(request)
        http_response = response.http_response
        if http_response.headers.get(ANSWER_HEADER) == "true":
            self.supported = True
        elif not is_probe:
            # Another service than the one that was asked, or something between here and there. What it refused, it has
            # not done; but nothing more is sent before it has been asked anew.
            self.supported = None
            if http_response.status_code < 300:  # noqa: PLR2004  (the statuses of success)
                call.cause = f"{operation.name}: the upstream took a dry run for a real request, and may have written"
                raise _not_a_dry_run()
        return response


def validate_only_unsupported() -> TwinfrontError:
    """UNIMPLEMENTED: the upstream cannot say what a write would end in without doing it."""
    return TwinfrontError(
        Reason.VALIDATE_ONLY_UNSUPPORTED,
        "The upstream cannot say what this write would end in without doing it: Azure Digital Twins cannot, localtwins "
        "can. Nothing was sent.",
    )


def _not_a_dry_run() -> TwinfrontError:
    return TwinfrontError(
        Reason.UPSTREAM_ANSWER_UNEXPECTED,
        "The upstream does not say that it took this for a dry run: it may have been done. Read what it writes to.",
        pushback_ms=NO_RETRY,
    )
