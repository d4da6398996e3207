"""Webhooks: each event is posted on its own, as CloudEvents' HTTP binding has it in structured mode."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import aiohttp

from localtwins.events.cloud_events import CONTENT_TYPE, CloudEvent
from localtwins.events.retry import Retry
from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)
_CONCURRENT: Final = 16
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_REFUSED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
"""The event itself is not to the receiver's liking, and would never be."""


class WebhookEndpoint:
    """Posts events to a URL: those of one twin one after another, several twins at a time."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(_CONCURRENT)

    async def deliver(self, events: Sequence[CloudEvent]) -> None:
        """Posts the events; one that is refused with 400 or 413 is left out, with a warning.

        Any 2xx is success.
        """
        by_twin: dict[str, list[CloudEvent]] = {}
        for event in events:
            by_twin.setdefault(event.change.twin_id, []).append(event)
        async with asyncio.TaskGroup() as tasks:
            for of_twin in by_twin.values():
                tasks.create_task(self._deliver_in_order(of_twin))

    async def _deliver_in_order(self, events: Sequence[CloudEvent]) -> None:
        for event in events:
            retry = Retry(self._name)
            while (problem := await self._attempt(event)) is not None:
                await retry.wait(problem)
            retry.succeeded()

    async def _attempt(self, event: CloudEvent) -> str | None:
        """Posts an event and tells what went wrong, None if nothing did."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            async with (
                self._slots,
                self._session.post(
                    self._url, data=event.to_json(), headers={"Content-Type": CONTENT_TYPE}, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return str(error) or type(error).__name__
        if status in _REFUSED:
            event_id = event.attributes["id"]
            _log.warning("a refused event is left out", endpoint=self._name, event_id=event_id, status=int(status))
            return None
        return None if status < HTTPStatus.MULTIPLE_CHOICES else f"the answer is {status}"

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
