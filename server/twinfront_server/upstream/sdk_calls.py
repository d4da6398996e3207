"""The common part of all calls of the SDK: bodies and answers as bytes, failures as errors of the front."""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from azure.core import MatchConditions
from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import AzureError, DeserializationError, ServiceResponseError
from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.refusals.errors import error_of
from twinfront_server.upstream.sdk.pipeline import ListedItems
from twinfront_server.upstream.settling.sent_writes import SentWrite, SentWrites


class SdkCalls(ABC):
    """Calls of the SDK.

    Args:
        sdk: the SDK's client, with the pipeline of `sdk/pipeline.py`.
    """

    def __init__(self, sdk: DigitalTwinsClient) -> None:
        self._sdk = sdk
        self._writes = SentWrites()

    async def _call(self, asked: Asked, method: Callable[..., Any], *args: Any, **options: Any) -> Answer:
        if current_call().validate_only:
            asked = asked.as_dry_run()
        if asked.body is not None:
            options["body"] = asked.body.content
        try:
            if asked.operation.write:
                return await self._write(asked, partial(_send, asked, method, args, options))
            return await _send(asked, method, args, options)
        except TwinfrontError as error:
            failure = error
        raise await self._explained(failure, asked)

    async def _write(self, asked: Asked, send: Callable[[], Awaitable[Answer]]) -> Answer:
        write = self._writes.begin(asked)
        try:
            answer = await send()
        except TwinfrontError as error:
            if error.reason is Reason.OUTCOME_UNKNOWN:
                return await self._settled(error, write, send)
            if error.reason is not Reason.UPSTREAM_ANSWER_UNEXPECTED:
                self._writes.refused(write)
            raise
        except asyncio.CancelledError:
            current_call().unfinished = (
                f"A write was under way and may have been applied, or still be: read {asked.path} before writing again."
            )
            raise
        else:
            self._writes.answered(write, answer)
            return answer
        finally:
            self._writes.end(write)

    async def _list(
        self, asked: Asked, link: str, method: Callable[..., AsyncItemPaged[Any]], *args: Any, **options: Any
    ) -> Page:
        listed = ListedItems()
        pages = method(*args, operation=asked.operation, listed=listed, **options).by_page(link or None)
        try:
            await anext(pages)
        except AzureError as error:
            raise error_of(error, asked) from error
        return Page(listed.items, listed.next_link)

    @abstractmethod
    async def _settled(self, lost: TwinfrontError, write: SentWrite, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """Settles a write whose answer was lost: gives its answer, or raises a TwinfrontError."""

    @abstractmethod
    async def _explained(self, error: TwinfrontError, asked: Asked) -> TwinfrontError:
        """Adds to the error of a call what another look at the upstream shows."""


async def _send(asked: Asked, method: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> Answer:
    try:
        answer: Answer = await method(*args, cls=_answer, operation=asked.operation, **options)
    except AzureError as error:
        raise error_of(error, asked) from error
    except DeserializationError as error:  # of a header, which the SDK reads before the hook has the answer
        raise error_of(ServiceResponseError(error, error=error), asked) from error
    return answer


def if_match_option(etag: str) -> dict[str, Any]:
    """The SDK's options for the condition If-Match: none for an empty etag."""
    if not etag:
        return {}
    if etag == "*":
        return {"match_condition": MatchConditions.IfPresent}
    return {"match_condition": MatchConditions.IfNotModified, "etag": etag}


def if_none_match_option(create_only: bool) -> dict[str, Any]:  # noqa: FBT001  (the condition has two states)
    """The SDK's options for the condition If-None-Match: none, or that the resource must not exist."""
    return {"match_condition": MatchConditions.IfMissing} if create_only else {}


def _answer(pipeline_response: Any, _deserialized: object, headers: dict[str, str]) -> Answer:
    """The SDK's hook for raw answers (its keyword `cls`)."""
    response = pipeline_response.http_response
    return Answer(
        response.content,
        _text(headers.get("ETag")),
        _charge(headers.get("query-charge")),
        date=_text(response.headers.get("Date")),
    )


def _text(header: str | None) -> str:
    """A header as text; empty for none, and for one in no encoding, which no message can have."""
    return header if header is not None and header.isprintable() else ""


def _charge(header: str | float | None) -> float:
    """The units that a header says; 0 for none, and for what is no charge."""
    units = float(header or 0.0)
    return units if 0.0 <= units < math.inf else 0.0
