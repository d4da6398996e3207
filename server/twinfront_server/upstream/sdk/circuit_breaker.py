"""Keeps requests from an upstream that is taken for dead, until it answers a probe (a circuit breaker).

While the upstream is away, each request to it would wait in vain, and when it comes back it would meet all that have
waited. So after some failures in a row nothing is sent any more but the probe of the server's health, once a second.
What is refused meanwhile was certainly not done.
"""

import asyncio
from typing import Final

from azure.core.exceptions import AzureError, ServiceRequestTimeoutError, ServiceResponseTimeoutError

from twinfront_server.metrics import Metrics
from twinfront_server.upstream.operation import PROBE, Operation
from twinfront_server.upstream.sdk.answer_too_large import AnswerTooLargeError
from twinfront_server.upstream.sdk.credential import CredentialError
from twinfront_server.upstream.sdk.not_connected import NotConnectedError

LONG_SILENCE_SECONDS: Final = 4.0
"""For how long a request has to have waited in vain to be a failure of the upstream; before that it is its caller who
had little time. A probe waits a little longer."""

_SERVER_ERRORS: Final = 500


class CircuitBreaker:
    """Counts failures in a row. From some number on the circuit is open, and the next answer closes it.

    An answer is whatever the upstream says of the request: 404 and 429 are, 503 is none.

    Args:
        metrics: tell whether it is open, and count what is refused.
        failures: how many in a row open it; 0 for never.

    Attributes:
        opened: set while it is open.
    """

    def __init__(self, metrics: Metrics, failures: int = 0) -> None:
        self.opened = asyncio.Event()
        self._metrics = metrics
        self._most_failures = failures
        self._failures = 0

    @property
    def is_open(self) -> bool:
        """Tells whether nothing but probes is sent."""
        return self.opened.is_set()

    def admit(self, operation: Operation) -> None:
        """Lets a request pass.

        Raises:
            NotConnectedError: it is not to be sent.
        """
        if self.is_open and operation is not PROBE:
            self._metrics.circuit_refusals.inc()
            message = f"not sent, since the last {self._failures} requests failed (--upstream-failures)"
            raise NotConnectedError(message)

    def answered(self, status: int) -> None:
        """Takes note of an answer."""
        if status >= _SERVER_ERRORS:
            self._failed()
        else:
            self._failures = 0
            self._set(is_open=False)

    def unanswered(self, error: BaseException, seconds: float) -> None:
        """Takes note of what kept an answer from coming, after so many seconds."""
        is_silence = isinstance(
            error, ServiceRequestTimeoutError | ServiceResponseTimeoutError | asyncio.CancelledError
        )
        if isinstance(error, CredentialError | AnswerTooLargeError):
            return
        if seconds >= LONG_SILENCE_SECONDS if is_silence else isinstance(error, AzureError):
            self._failed()

    def _failed(self) -> None:
        self._failures += 1
        if self._failures == self._most_failures:
            self._set(is_open=True)

    def _set(self, *, is_open: bool) -> None:
        if is_open != self.is_open:
            (self.opened.set if is_open else self.opened.clear)()
            self._metrics.circuit_open.set(is_open)
