"""A Kafka topic as a log of changes, by aiokafka; also an Event Hub, through its Kafka endpoint.

Offsets are positions: the topic is read without a consumer group, so nothing is stored in it, and any number of servers
may read it.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient

from twinfront_program.kafka_url import KafkaUrl
from twinfront_server.adt.cloud_event import Event
from twinfront_server.errors import TwinfrontError, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes.partitioned_log import Bounds, OutOfRangeError, Portion, entries_of
from twinfront_server.upstream.changes.source import Order

_PATIENCE: Final = 10.0
"""Seconds for each question to the brokers."""

_LOOK_SECONDS: Final = 1.0
"""How often it is looked whether there is still an answer."""

_STALE_SECONDS: Final = 5.0
"""How long a partition may not have been asked for more; an answer without anything takes half a second."""

_FETCH_BYTES: Final = 8 << 20
_PARTITION_FETCH_BYTES: Final = 1 << 20
_OPTIONS: Final = {"client_id": "twinfront", "request_timeout_ms": int(_PATIENCE * 1000), "metadata_max_age_ms": 30_000}
_REFUSALS: Final = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.ClusterAuthorizationFailedError,
    errors.SaslAuthenticationFailed,
    errors.TopicAuthorizationFailedError,
    errors.UnsupportedSaslMechanismError,
)

Records = dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


class KafkaLog:
    """Reads a topic.

    Args:
        url: where it is.
        tls: what certificates of brokers are checked with, if they have any.
    """

    def __init__(self, url: KafkaUrl, tls: ssl.SSLContext | None = None) -> None:
        # What it says there comes as exceptions as well, or shows in what is read.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        self._topic = url.topic
        self._connection: dict[str, Any] = {**_OPTIONS, **url.client_options(tls)}
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()
        self._cluster = ""

    @property
    def order(self) -> Order:
        """The order that changes keep; how many partitions there are does not matter, since there may be more soon."""
        return Order.PARTITION

    async def log_id(self) -> str:
        """Gives the cluster's id and the topic's name; the client does not know of ids of topics."""
        if not self._cluster:
            async with self._asking() as (admin, _):
                told = await admin.describe_cluster()
            self._cluster = told.get("cluster_id") or self._connection["bootstrap_servers"][0]
        return f"kafka:{self._cluster}/{self._topic}"

    async def bounds(self) -> Mapping[str, Bounds]:
        """Asks for the first offset and the next one of each partition."""
        async with self._asking() as (admin, consumer):
            partitions = await self._partitions(admin)
            # In this order the end is not before the beginning, whatever is trimmed meanwhile.
            first = await consumer.beginning_offsets(partitions)
            end = await consumer.end_offsets(partitions)
        return {str(each.partition): Bounds(first[each], max(end[each], first[each])) for each in partitions}

    async def since(self, time: datetime, bounds: Mapping[str, Bounds]) -> Mapping[str, int]:
        """Asks for the first offset at or after a time, by the times that the topic's messages have."""
        milliseconds = max(0, int(time.timestamp() * 1000))
        asked = {TopicPartition(self._topic, int(name)): milliseconds for name in bounds}
        async with self._asking() as (_, consumer):
            found = await consumer.offsets_for_times(asked)
        ends = {name: each.end for name, each in bounds.items()}
        return ends | {str(each.partition): at.offset for each, at in found.items() if at}

    async def open(self, starts: Mapping[str, int]) -> "KafkaReader":
        """Opens a consumer at some offsets."""
        consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
        )
        offsets = {TopicPartition(self._topic, int(name)): offset for name, offset in starts.items()}
        async with _bounded():
            await _start(consumer, consumer.stop)
            consumer.assign(list(offsets))
            for partition, offset in offsets.items():
                consumer.seek(partition, offset)
        return KafkaReader(consumer, list(offsets))

    async def close(self) -> None:
        """Closes the connections."""
        if self._admin is not None:
            await self._admin.close()
        if self._consumer is not None:
            await self._consumer.stop()

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
        """Gives the clients that are asked questions, and read nothing."""
        async with _bounded():
            async with self._starting:
                if self._admin is None:
                    admin = AIOKafkaAdminClient(**self._connection)
                    await _start(admin, admin.close)
                    self._admin = admin
                if self._consumer is None:
                    consumer = AIOKafkaConsumer(**self._connection, group_id=None, isolation_level="read_committed")
                    await _start(consumer, consumer.stop)
                    self._consumer = consumer
            yield self._admin, self._consumer

    async def _partitions(self, admin: AIOKafkaAdminClient) -> list[TopicPartition]:
        """Asks for the partitions that there are now."""
        (topic,) = await admin.describe_topics([self._topic])
        if topic["error_code"]:
            raise errors.for_code(topic["error_code"])
        return [TopicPartition(self._topic, each["partition"]) for each in topic["partitions"]]


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    """Bounds the time of questions, and makes the front's errors of the client's."""
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except (errors.KafkaError, OSError) as error:
        raise error_of(error) from error


async def _start(client: AIOKafkaAdminClient | AIOKafkaConsumer, end: Callable[[], Awaitable[None]]) -> None:
    """Starts a client, and ends it if that fails."""
    try:
        await client.start()
    except BaseException:
        await end()
        raise


class KafkaReader:
    """Reads some partitions onwards.

    Args:
        consumer: stands where they are read from.
        partitions: these.
    """

    def __init__(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._opened = time.time()

    async def read(self, limit: int, seconds: float) -> Portion:
        """Gives what comes next.

        Raises:
            OutOfRangeError: a partition does not have the offset that comes next.
            TwinfrontError: the brokers do not answer.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        try:
            while not (found := await self._get(limit, min(seconds, _LOOK_SECONDS))) and loop.time() < until:
                self._require_answers()
            passed = {str(each.partition): await self._consumer.position(each) - 1 for each in self._partitions}
        except errors.OffsetOutOfRangeError as error:
            raise OutOfRangeError from error
        except (errors.KafkaError, OSError) as error:
            raise error_of(error) from error
        return Portion(await entries_of(_event(record) for records in found.values() for record in records), passed)

    async def _get(self, limit: int, seconds: float) -> Records:
        milliseconds = max(1, int(seconds * 1000))
        found: Records = await self._consumer.getmany(timeout_ms=milliseconds, max_records=limit)
        return found

    def _require_answers(self) -> None:
        """Sees to it that every partition is asked for more: the client tries to by itself, and says nothing."""
        asked = [self._consumer.last_poll_timestamp(each) for each in self._partitions]
        oldest = min((self._opened if at is None else at / 1000 for at in asked), default=self._opened)
        if time.time() - oldest > _STALE_SECONDS:
            raise upstream_unavailable("Kafka does not answer. Try again.")

    async def close(self) -> None:
        """Closes the connections."""
        await self._consumer.stop()


def error_of(error: Exception) -> TwinfrontError:
    """Makes the front's error of what the client raises."""
    if isinstance(error, _REFUSALS):
        return TwinfrontError(
            Reason.UPSTREAM_CREDENTIALS_REJECTED,
            "Kafka rejects this server's credential; its operator has to look into it.",
        )
    if isinstance(error, errors.UnknownTopicOrPartitionError | errors.InvalidTopicError):
        return upstream_unavailable("Kafka does not have the topic of --changes. Try again.")
    return upstream_unavailable("Kafka cannot be reached, or does not let this server in. Try again.")


def _event(record: ConsumerRecord[bytes, bytes]) -> Event:
    headers = dict(record.headers)
    return Event(str(record.partition), record.offset, _taken(record.timestamp), headers, record.value or b"")


def _taken(milliseconds: int) -> datetime:
    """Gives when a message was taken, as far as its time can be that: producers may write what they like, and none."""
    now = datetime.now(UTC)
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if 0 <= milliseconds < now.timestamp() * 1000 else now
