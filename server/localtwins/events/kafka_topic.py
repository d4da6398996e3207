"""Kafka topics: each event is a message in structured mode, whose key is the id of its twin."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer, errors

from localtwins.events.cloud_events import CONTENT_TYPE, CloudEvent
from localtwins.events.retry import Retry
from twinfront_program.kafka_url import KafkaUrl
from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)
_HEADERS: Final = [("content-type", CONTENT_TYPE.encode())]
_LARGEST_MESSAGE: Final = 64 << 20
"""Larger than any event, so that it is the topic that refuses what is too large for it."""
_REQUEST_MILLISECONDS: Final = 10_000
_STOP_SECONDS: Final = 1.0


class KafkaEndpoint:
    """Sends events to a topic: those of one twin to one partition, in their order, each acknowledged by all replicas.

    Args:
        name: of the endpoint.
        url: where the topic is.
    """

    def __init__(self, name: str, url: KafkaUrl) -> None:
        # What it says there comes as exceptions, or ends by itself.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        self._name = name
        self._topic = url.topic
        self._options: dict[str, Any] = {
            **url.client_options(),
            "client_id": "localtwins",
            "enable_idempotence": True,
            "request_timeout_ms": _REQUEST_MILLISECONDS,
            "max_request_size": _LARGEST_MESSAGE,
        }
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def deliver(self, events: Sequence[CloudEvent]) -> None:
        """Sends the events, and waits until the topic has them; one that is too large for it is left out."""
        retry = Retry(self._name)
        left, at_once = list(events), len(events)
        while left:
            sent, error = await self._send(left[:at_once])
            if sent:
                retry.succeeded()
            left = left[sent:]
            if isinstance(error, errors.MessageSizeTooLargeError):
                if at_once == 1:
                    event_id = left.pop(0).attributes["id"]
                    _log.warning("an event too large for the topic is left out", endpoint=self._name, event_id=event_id)
                at_once = 1  # it may have been refused for those that were sent with it
            elif error is not None:
                await self._disconnect()
                await retry.wait(f"{type(error).__name__}: {error}")

    async def _send(self, events: Sequence[CloudEvent]) -> tuple[int, Exception | None]:
        """Sends events, and gives how many have arrived before the first one that has not, and why that has not."""
        try:
            producer = await self._connected()
            sending = [
                await producer.send(self._topic, event.to_json(), event.change.twin_id.encode(), headers=_HEADERS)
                for event in events
            ]
        except (errors.KafkaError, OSError) as error:
            return 0, error
        for number, sent in enumerate(await asyncio.gather(*sending, return_exceptions=True)):
            if isinstance(sent, errors.KafkaError | OSError):
                return number, sent
            if isinstance(sent, BaseException):
                raise sent
        return len(events), None

    async def _connected(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
        return self._producer

    async def _disconnect(self) -> None:
        """Lets the connections go: a producer does not get over everything."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(errors.KafkaError, OSError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.stop()

    async def close(self) -> None:
        """Closes the connections."""
        await self._disconnect()
