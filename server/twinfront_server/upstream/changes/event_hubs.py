"""An Event Hub as a log of changes, by azure-eventhub.

Sequence numbers are positions, and nothing is stored in the hub. It has at most five readers for each partition and
consumer group: one of each server that follows it, and those of who is catching up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from azure.core.exceptions import AzureError
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.exceptions import AuthenticationError, EventHubError

from twinfront_server.adt.cloud_event import Event
from twinfront_server.errors import TwinfrontError, upstream_throttled, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes.partitioned_log import Bounds, Entry, OutOfRangeError, Portion, entries_of
from twinfront_server.upstream.changes.source import Order

_PATIENCE: Final = 15.0
"""Seconds for each question to the hub."""

_CALLED_SECONDS: Final = 5.0
"""How often the client says that there is nothing."""

_STALE_SECONDS: Final = 60.0
"""How long a partition may say nothing at all; the client makes some attempts by itself before it gives up."""

_HELD: Final = 500
"""How many events are held for whoever reads, those that the client holds aside."""

_PREFETCH: Final = 100
_THROTTLED_SECONDS: Final = 4.0
_FAILURES: Final = (EventHubError, AzureError, OSError)

Connect = Callable[[], EventHubConsumerClient]


class EventHubLog:
    """Reads a hub.

    Args:
        name: its host and its name, `HOST/HUB`.
        connect: makes a client of it.
        on_close: what else to close in the end.
    """

    order: Final = Order.PARTITION

    def __init__(self, name: str, connect: Connect, on_close: Callable[[], Awaitable[None]] | None = None) -> None:
        # What it says there comes as exceptions as well.
        logging.getLogger("azure.eventhub").setLevel(logging.CRITICAL)
        self._name = name
        self._connect = connect
        self._on_close = on_close
        self._asked = connect()
        self._seeking = asyncio.Lock()
        self._made = ""

    async def log_id(self) -> str:
        """Gives the hub's name, and when it was made: another one of that name is another log."""
        if not self._made:
            self._made = _utc((await _bounded(self._asked.get_eventhub_properties()))["created_at"]).isoformat()
        return f"eventhub:{self._name}@{self._made}"

    async def bounds(self) -> Mapping[str, Bounds]:
        """Asks for the first sequence number and the next one of each partition."""
        hub = await _bounded(self._asked.get_eventhub_properties())
        names = list(hub["partition_ids"])
        told = await _bounded(asyncio.gather(*(self._asked.get_partition_properties(name) for name in names)))
        return {name: _bounds(each) for name, each in zip(names, told, strict=True)}

    async def since(self, time: datetime, bounds: Mapping[str, Bounds]) -> Mapping[str, int]:
        """Finds the first event that was taken at or after a time, by reading it: a hub is not asked otherwise."""
        found = {name: each.end for name, each in bounds.items()}
        missing = {name for name, each in bounds.items() if each.first < each.end and _is_since(each, time)}
        async with self._seeking:
            reader = EventHubReader(self._connect(), dict.fromkeys(missing, time), self._first)
            try:
                async with asyncio.timeout(_PATIENCE):
                    while missing:
                        for entry in (await reader.read(_HELD, _PATIENCE)).entries:
                            if entry.partition in missing:
                                missing.remove(entry.partition)
                                found[entry.partition] = entry.sequence
            except TimeoutError as error:
                raise upstream_unavailable("The Event Hub does not say what it has. Try again.") from error
            finally:
                await reader.close()
        return found

    async def open(self, starts: Mapping[str, int]) -> "EventHubReader":
        """Begins to read at some sequence numbers."""
        return EventHubReader(self._connect(), starts, self._first)

    async def _first(self, partition: str) -> int:
        """Asks for the first sequence number that a partition still has."""
        return _bounds(await _bounded(self._asked.get_partition_properties(partition))).first

    async def close(self) -> None:
        """Closes the connections."""
        await _close(self._asked)
        if self._on_close is not None:
            await self._on_close()


class EventHubReader:
    """Reads some partitions onwards, each over a link of its own.

    Args:
        client: of this reader alone.
        starts: partition -> the sequence number, or the time, to begin at.
        first: asks for the first sequence number that a partition still has.
    """

    def __init__(
        self,
        client: EventHubConsumerClient,
        starts: Mapping[str, int] | Mapping[str, datetime],
        first: Callable[[str], Awaitable[int]],
    ) -> None:
        self._client = client
        self._first = first
        self._next = {name: start if isinstance(start, int) else None for name, start in starts.items()}
        self._read: asyncio.Queue[Entry | Exception] = asyncio.Queue(_HELD)
        now = asyncio.get_running_loop().time()
        self._heard = dict.fromkeys(starts, now)
        self._links = [asyncio.create_task(self._receive(name, start)) for name, start in starts.items()]

    async def read(self, limit: int, seconds: float) -> Portion:
        """Gives what comes next.

        Raises:
            OutOfRangeError: the hub no longer has what comes next.
            TwinfrontError: it cannot be read.
        """
        entries: list[Entry] = []
        try:
            async with asyncio.timeout(seconds):
                self._take(await self._read.get(), entries)
        except TimeoutError:
            self._require_life()
        while len(entries) < limit and not self._read.empty():
            self._take(self._read.get_nowait(), entries)
        return Portion(entries, {})

    @staticmethod
    def _take(read: Entry | Exception, entries: list[Entry]) -> None:
        if isinstance(read, Exception):
            raise read
        entries.append(read)

    async def close(self) -> None:
        """Ends the links."""
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        await _close(self._client)

    def _require_life(self) -> None:
        """Sees to it that every link says now and then that there is nothing."""
        if any(asyncio.get_running_loop().time() - heard > _STALE_SECONDS for heard in self._heard.values()):
            raise upstream_unavailable("The Event Hub does not answer. Try again.")

    async def _receive(self, partition: str, start: int | datetime) -> None:
        try:
            await self._client.receive_batch(
                partial(self._received, partition),
                on_error=self._failed,
                partition_id=partition,
                starting_position=start,
                starting_position_inclusive=True,
                max_wait_time=_CALLED_SECONDS,
                max_batch_size=_PREFETCH,
                prefetch=_PREFETCH,
            )
        except Exception as error:  # noqa: BLE001  (whatever it is, whoever reads is told)
            await self._failed(None, error)

    async def _received(self, partition: str, _context: object, events: Sequence[EventData]) -> None:
        self._heard[partition] = asyncio.get_running_loop().time()
        for event in events:
            sequence = event.sequence_number or 0
            expected = self._next[partition]
            if expected is not None and sequence < expected:
                continue  # came before the link was made anew
            if expected is not None and sequence > expected:
                # A hub that is compacted leaves numbers out; one that has trimmed them begins behind them.
                try:
                    if await self._first(partition) > expected:
                        raise OutOfRangeError  # noqa: TRY301  (it is given to whoever reads, as any other)
                except (OutOfRangeError, TwinfrontError) as error:
                    await self._read.put(error)
                    return
            self._next[partition] = sequence + 1
            (entry,) = await entries_of([_event(partition, event)])
            await self._read.put(entry)

    async def _failed(self, _context: object, error: Exception) -> None:
        await self._read.put(error if isinstance(error, TwinfrontError) else error_of(error))


def error_of(error: Exception) -> TwinfrontError:
    """Makes the front's error of what the client raises."""
    said = f"{getattr(error, 'error', '') or ''} {error}".lower()
    if isinstance(error, AuthenticationError) or "unauthorized" in said:
        refused = TwinfrontError(
            Reason.UPSTREAM_CREDENTIALS_REJECTED,
            "The Event Hub rejects this server's credential; its operator has to look into it.",
        )
    elif "server-busy" in said:
        refused = upstream_throttled("The Event Hub throttles.", metadata={}, retry_after=_THROTTLED_SECONDS)
    elif "resource-limit-exceeded" in said:
        refused = upstream_unavailable("The consumer group has as many readers as the Event Hub allows. Try again.")
    elif "not-found" in said:
        refused = upstream_unavailable("The namespace does not have the Event Hub, or the consumer group. Try again.")
    elif "stolen" in said:
        refused = upstream_unavailable("Another reader has taken this one's place at the Event Hub. Try again.")
    else:
        refused = upstream_unavailable("The Event Hub cannot be reached. Try again.")
    refused.__cause__ = error
    return refused


async def _bounded(asking: Awaitable[Any]) -> Any:
    """Bounds the time of a question, and makes the front's errors of the client's."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await asking
    except _FAILURES as error:
        raise error_of(error) from error


async def _close(client: EventHubConsumerClient) -> None:
    with suppress(*_FAILURES):
        async with asyncio.timeout(_PATIENCE):
            await client.close()


def _bounds(told: Mapping[str, Any]) -> Bounds:
    end = int(told["last_enqueued_sequence_number"]) + 1
    first = end if told["is_empty"] else int(told["beginning_sequence_number"])
    return Bounds(first, end, _utc(told["last_enqueued_time_utc"]) if end else None)


def _is_since(bounds: Bounds, time: datetime) -> bool:
    return bounds.newest_time is None or bounds.newest_time >= time


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _event(partition: str, received: EventData) -> Event:
    sequence = received.sequence_number or 0
    taken = _utc(received.enqueued_time or datetime.now(UTC))
    properties = {_text(name): value for name, value in (received.properties or {}).items()}
    return Event(partition, sequence, taken, properties, _body(received), received.content_type or "")


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def _body(received: EventData) -> bytes:
    """Gives the message; nothing for one that is none of bytes, or is empty."""
    try:
        body: Any = received.body
    except ValueError:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, Iterable):
        parts = list(body)
        return b"".join(parts) if all(isinstance(part, bytes) for part in parts) else b""
    return b""
