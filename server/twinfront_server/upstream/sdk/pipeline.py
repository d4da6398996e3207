"""The SDK's pipeline, slimmed by its public options.

The default pipeline spends most of its time on what a front has no use for: it parses each answer twice, rebuilds it
value by value, and asks the environment for proxies on each request. Here request bodies and answers pass as bytes.
This leans on how the generated code of azure-digitaltwins-core 1.3 reads answers (it takes what
`ContentDecodePolicy` left in a context before it parses on its own); `tests/contract/test_slim_pipeline.py` holds it
against the default pipeline: same results, same exceptions.
"""

import asyncio
import io
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import orjson
from azure.core.exceptions import (
    AzureError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, ContentDecodePolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest

from twinfront_program.alarms import Alarms
from twinfront_server.adt.answer import page_of
from twinfront_server.call import TIME_TO_ASK, current_call
from twinfront_server.errors import upstream_answer_unexpected
from twinfront_server.metrics import Metrics
from twinfront_server.upstream.operation import Operation
from twinfront_server.upstream.sdk.answer_too_large import AnswerTooLargeError
from twinfront_server.upstream.sdk.circuit_breaker import CircuitBreaker
from twinfront_server.upstream.sdk.long_refusals import check_length
from twinfront_server.upstream.sdk.readable import is_readable, unreadable

RETRIED_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})

OPERATION: Final = "operation"

_CONNECT_TIMEOUT: Final = 5.0
_LARGEST_WHOLE_BODY: Final = 1 << 20
"""Larger ones go in pieces, between which others run; aiohttp warns of all that do not."""
_LONGEST_RETRY_AFTER: Final = 24 * 3600.0
_FIRST_BACKOFF: Final = 0.1

_DECODED: Final = ContentDecodePolicy.CONTEXT_NAME
_DECODED_AS_NOTHING: Final = {_DECODED: None}

Request = PipelineRequest[HttpRequest]
Response = PipelineResponse[HttpRequest, AsyncHttpResponse]
Policy = AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]


@dataclass(slots=True)
class ListedItems:
    """Takes from `BodyPolicy` the items of a list as parsed JSON, and the link to the next page."""

    items: list[Any] = field(default_factory=list)
    next_link: str = ""


class BodyPolicy(Policy):
    """Lets bodies pass as bytes, around the SDK's serialisation.

    Options of a call: `body`, the bytes to send in place of the placeholder given to the SDK; `listed`, a
    `ListedItems` to fill.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._headers = headers

    async def send(self, request: Request) -> Response:
        """Sends the request with the call's own body, and keeps the SDK from parsing a good answer."""
        options = request.context.options
        body = options.pop("body", None)
        listed = options.pop("listed", None)
        http_request = request.http_request
        http_request.headers.update(self._headers)
        if body is not None:
            _set_body(http_request, body)
        # The SDK would stream the answer to a new delete job; all answers are small enough to be read at once.
        options["stream"] = False
        response = await self.next.send(request)
        http_response = response.http_response
        if http_response.status_code >= 300:  # noqa: PLR2004  (the statuses of success end here)
            check_length(http_response)
            response.context[_DECODED] = _decoded_error(http_response.content)
        elif listed is not None:
            listed.items, listed.next_link = _page(http_response)
            response.context[_DECODED] = {"value": [], "nextLink": listed.next_link or None}
        else:
            http_response.context = _DECODED_AS_NOTHING  # type: ignore[attr-defined]  # looked into before the text
        return response


class AttemptsPolicy(Policy):
    """Sends writes once, and reads again while the caller's deadline allows it; measures each attempt.

    A write whose answer was lost may have been applied: sent again, it would meet its own etag and look like a
    conflict.

    Option of a call: `operation`; policies inside of this one find it in the context, as `OPERATION`.
    """

    def __init__(
        self, metrics: Metrics, *, read_retries: int, timeout: float, circuit: CircuitBreaker | None = None
    ) -> None:
        super().__init__()
        self._metrics = metrics
        self._circuit = circuit or CircuitBreaker(metrics)
        self._read_retries = read_retries
        self._timeout = timeout
        self._alarms = Alarms()

    async def send(self, request: Request) -> Response:
        """Sends the request until it is answered, must not be sent again, or the time is up."""
        operation: Operation = request.context.options.pop("operation")
        request.context[OPERATION] = operation
        retries = 0 if operation.write else self._read_retries
        for retry in range(retries + 1):
            try:
                response = await self._attempt(operation, request)
            except (ServiceRequestError, ServiceResponseError, IncompleteReadError):
                wait = _backoff(retry)
                if retry == retries or self._circuit.is_open or not current_call().has_time_for(wait):
                    raise
            else:
                http_response = response.http_response
                if http_response.status_code not in RETRIED_STATUSES or retry == retries:
                    return response
                wait = max(_backoff(retry), retry_after(http_response.headers) or 0.0)
                if self._circuit.is_open or not current_call().has_time_for(wait):
                    return response
            self._metrics.upstream_retry(operation.name)
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt neither returned nor raised")  # pragma: no cover

    async def _attempt(self, operation: Operation, request: Request) -> Response:
        self._circuit.admit(operation)
        call = current_call()
        remaining = call.remaining()
        timeout = self._timeout if remaining is None else max(min(self._timeout, remaining), TIME_TO_ASK)
        connecting = min(timeout, _CONNECT_TIMEOUT)
        options = request.context.options
        options["read_timeout"] = timeout
        options["connection_timeout"] = connecting
        call.upstream_attempts += 1
        outcome = "cancelled"
        start = time.perf_counter()
        call.upstream_asked(start)
        try:
            response = await self._sent(request, connecting + timeout)
            http_response = response.http_response
            self._circuit.answered(http_response.status_code)
            readable = is_readable(operation, http_response)
            outcome = _outcome(http_response.status_code) if readable else "unreadable"
        except (AzureError, asyncio.CancelledError) as error:
            if isinstance(error, AzureError):
                outcome = "too_large" if isinstance(error, AnswerTooLargeError) else "unreachable"
            self._circuit.unanswered(error, time.perf_counter() - start)
            raise
        finally:
            end = time.perf_counter()
            seconds = end - start
            call.upstream_left(end)
            call.upstream_seconds += seconds
            self._metrics.upstream_request(operation.name, outcome, seconds)
        if not readable:
            raise unreadable(http_response)
        return response

    async def _sent(self, request: Request, seconds: float) -> Response:
        """Sends the request once, and has the whole answer in so many seconds: the transport bounds each wait alone.

        Raises:
            AzureError: whatever keeps an answer from coming. A transport may let through what went wrong in the
                libraries and sockets below it; how far it was with the request is not known then.
        """
        try:
            with self._alarms.at(asyncio.get_running_loop().time() + seconds):
                return await self.next.send(request)
        except AzureError:
            raise
        except TimeoutError as error:
            raise ServiceResponseTimeoutError(f"No whole answer in {seconds:g} s.", error=error) from error
        except Exception as error:
            raise ServiceResponseError(f"{type(error).__name__}: {error}", error=error) from error


def _backoff(retry: int) -> float:
    return _FIRST_BACKOFF * float(2**retry) * random.uniform(0.5, 1.5)  # noqa: S311  (jitter, no secret)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Reads the seconds of a Retry-After header (RFC 9110, section 10.2.3), a number or a date; None if there is none.

    Never more than a day.
    """
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (OverflowError, ValueError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _set_body(request: HttpRequest, body: bytes) -> None:
    if len(body) <= _LARGEST_WHOLE_BODY:
        request.set_bytes_body(body)
    else:
        request.set_streamed_data_body(io.BytesIO(body))
        request.headers["Content-Length"] = str(len(body))
    request.headers.pop("Transfer-Encoding", None)


def _page(response: AsyncHttpResponse) -> tuple[list[Any], str]:
    try:
        page = page_of(orjson.loads(response.content), "nextLink")
    except orjson.JSONDecodeError as error:
        raise unreadable(response) from error
    return page.items, _on_the_same_host(page.next_link, response.request.url)


def _on_the_same_host(link: str, url: str) -> str:
    """Puts the link to the next page on the host that was asked for this one: the credential is meant for no other."""
    if not link:
        return ""
    host = urlsplit(url)
    try:
        return urlsplit(urljoin(url, link))._replace(scheme=host.scheme, netloc=host.netloc).geturl()
    except ValueError as error:
        raise upstream_answer_unexpected(HTTPStatus.OK) from error


def _decoded_error(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _outcome(status: int) -> str:
    if status < 300:  # noqa: PLR2004  (statuses of success)
        return "ok"
    match status:
        case 404:
            return "not_found"
        case 409 | 412:
            return "conflict"
        case 429:
            return "throttled"
        case _:
            return "client_error" if status < 500 else "server_error"  # noqa: PLR2004  (the errors of the server begin here)
