"""An Event Hub in memory behind the methods of the client: it has the client's own events, numbers and limits."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.eventhub import EventData
from azure.eventhub._pyamqp.message import Message, Properties
from azure.eventhub.exceptions import ConnectError

MAX_READERS = 5
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
NEVER = datetime(1, 1, 1, tzinfo=UTC)


def event_data(
    sequence: int, taken: datetime, properties: dict[str, Any], body: bytes, content_type: str | None = None
) -> EventData:
    """Makes an event as the client does of a message that has come: names and texts are bytes there."""
    message = Message(
        message_annotations={
            b"x-opt-sequence-number": sequence,
            b"x-opt-offset": str(sequence * 100).encode(),
            b"x-opt-enqueued-time": int(taken.timestamp() * 1000),
        },
        properties=Properties(content_type=content_type.encode() if content_type else None),
        application_properties={
            name.encode(): value.encode() if isinstance(value, str) else value for name, value in properties.items()
        },
        data=[body],
    )
    return EventData._from_message(message)


class Hub:
    """Holds events.

    Args:
        partitions: their names.
        begin: when it took the first one; one a second from then on, or None for the time that it is.
    """

    def __init__(self, *partitions: str, begin: datetime | None = BEGIN) -> None:
        self._begin = begin
        self.events: dict[str, list[EventData]] = {name: [] for name in partitions or ("0",)}
        self.firsts = dict.fromkeys(self.events, 0)
        self.created_at = datetime(2026, 5, 1)  # noqa: DTZ001  (the client gives it like this)
        self.readers = dict.fromkeys(self.events, 0)
        self.most_readers = 0
        self.clients: list[Client] = []
        self.error: Exception | None = None
        self._changed = asyncio.Event()

    def connect(self) -> Any:
        self.clients.append(Client(self))
        return self.clients[-1]

    def add(self, properties: dict[str, Any], body: bytes, partition: str = "0", sequence: int | None = None) -> None:
        entries = self.events[partition]
        number = self._end(partition) if sequence is None else sequence
        taken = datetime.now(UTC) if self._begin is None else self._begin + timedelta(seconds=number)
        entries.append(event_data(number, taken, properties, body))
        self.change()

    def _end(self, partition: str) -> int:
        entries = self.events[partition]
        return (entries[-1].sequence_number or 0) + 1 if entries else self.firsts[partition]

    def trim(self, before: int, partition: str = "0") -> None:
        self.firsts[partition] = before

    def there(self, partition: str) -> list[EventData]:
        return [event for event in self.events[partition] if (event.sequence_number or 0) >= self.firsts[partition]]

    def change(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changed(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def fail(self, error: Exception | None) -> None:
        """Has all that is asked, and all links, end with an error from now on; with none it works again."""
        self.error = error
        self.change()

    def require(self) -> None:
        if self.error is not None:
            raise self.error


class Client:
    """Stands in for EventHubConsumerClient."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.is_closed = False

    async def get_eventhub_properties(self) -> dict[str, Any]:
        self._hub.require()
        return {
            "eventhub_name": "twins",
            "created_at": self._hub.created_at,
            "partition_ids": list(self._hub.events),
        }

    async def get_partition_properties(self, partition: str) -> dict[str, Any]:
        self._hub.require()
        events, there = self._hub.events[partition], self._hub.there(partition)
        return {
            "eventhub_name": "twins",
            "id": partition,
            "beginning_sequence_number": there[0].sequence_number if there else 0,
            "last_enqueued_sequence_number": events[-1].sequence_number if events else -1,
            "last_enqueued_time_utc": events[-1].enqueued_time if events else NEVER,
            "is_empty": not there,
        }

    async def receive_batch(
        self,
        on_event_batch: Callable[[Any, list[EventData]], Awaitable[None]],
        *,
        on_error: Callable[[Any, Exception], Awaitable[None]],
        partition_id: str,
        starting_position: int | datetime,
        starting_position_inclusive: bool,
        max_wait_time: float,
        max_batch_size: int,
        prefetch: int,
    ) -> None:
        hub = self._hub
        assert starting_position_inclusive
        assert prefetch >= 1
        hub.readers[partition_id] += 1
        hub.most_readers = max(hub.most_readers, hub.readers[partition_id])
        try:
            if hub.readers[partition_id] > MAX_READERS:
                text = "Exceeded the maximum number of allowed receivers per partition in a consumer group which is 5."
                refused = ConnectError(text)
                refused.error = "resource-limit-exceeded"
                await on_error(None, refused)
                return
            at = starting_position
            while not self.is_closed:
                if hub.error is not None:
                    await on_error(None, hub.error)
                    return
                events = [event for event in hub.there(partition_id) if _is_at(event, at)][:max_batch_size]
                if events:
                    at = (events[-1].sequence_number or 0) + 1
                    await on_event_batch(None, events)
                else:
                    await hub.changed(max_wait_time)
                    if not [event for event in hub.there(partition_id) if _is_at(event, at)]:
                        await on_event_batch(None, [])
        finally:
            hub.readers[partition_id] -= 1

    async def close(self) -> None:
        self.is_closed = True
        self._hub.change()


def _is_at(event: EventData, place: int | datetime) -> bool:
    if isinstance(place, int):
        return (event.sequence_number or 0) >= place
    return (event.enqueued_time or NEVER) >= place
