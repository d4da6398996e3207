"""Sends one request through the SDK: bodies and answers as bytes, failures as errors of the front."""

import math
from collections.abc import Callable
from typing import Any

from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import AzureError, DeserializationError, ServiceResponseError

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.refusals.errors import error_of
from twinfront_server.upstream.sdk.pipeline import ListedItems


async def send(asked: Asked, method: Callable[..., Any], *args: Any, **options: Any) -> Answer:
    """Calls a method of the SDK that answers one thing.

    Args:
        asked: what is asked for; its body goes in place of the placeholder among `args`.
        method: the SDK's.
        args: the method's.
        options: the method's.

    Raises:
        TwinfrontError: what keeps the upstream from answering, or what it refuses with.
    """
    if asked.body is not None:
        options["body"] = asked.body.content
    try:
        answer: Answer = await method(*args, cls=_answer, operation=asked.operation, **options)
    except AzureError as error:
        raise error_of(error, asked) from error
    except DeserializationError as error:  # of a header
        raise error_of(ServiceResponseError(error, error=error), asked) from error
    return answer


async def send_for_page(
    asked: Asked, link: str, method: Callable[..., AsyncItemPaged[Any]], *args: Any, **options: Any
) -> Page:
    """Calls a method of the SDK that answers a list, for the page at a link; for the first one without a link.

    Raises:
        TwinfrontError: what keeps the upstream from answering, or what it refuses with.
    """
    listed = ListedItems()
    pages = method(*args, operation=asked.operation, listed=listed, **options).by_page(link or None)
    try:
        await anext(pages)
    except AzureError as error:
        raise error_of(error, asked) from error
    return Page(listed.items, listed.next_link).read_at(link)


def _answer(pipeline_response: Any, _deserialized: object, headers: dict[str, str]) -> Answer:
    """Gives the SDK's hook for raw answers (its keyword `cls`)."""
    response = pipeline_response.http_response
    return Answer(
        response.content,
        _text(headers.get("ETag")),
        _charge(headers.get("query-charge")),
        date=_text(response.headers.get("Date")),
    )


def _text(header: str | None) -> str:
    """Reads a header as text; empty for none, and for one in no encoding, which no message can have."""
    return header if header is not None and header.isprintable() else ""


def _charge(header: str | float | None) -> float:
    """Reads the units of a header; 0 without one, and for a number that is no charge.

    Raises:
        DeserializationError: it is no number, as the SDK says.
    """
    try:
        units = float(header or 0.0)
    except ValueError as error:
        raise DeserializationError("The query charge is no number.") from error
    return units if 0.0 <= units < math.inf else 0.0
