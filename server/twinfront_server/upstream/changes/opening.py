"""Opening the source of changes that the settings name."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_program.kafka_url import KafkaUrl
from twinfront_program.startup_error import StartupError
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.upstream.changes.partitioned_log import PartitionedLog
from twinfront_server.upstream.changes.queried import QueriedChanges
from twinfront_server.upstream.changes.remote import RemoteChanges, RemoteLog
from twinfront_server.upstream.changes.source import ChangeSource
from twinfront_server.upstream.resources.queries import Queries
from twinfront_server.upstream.sdk.authorities import authorities
from twinfront_server.upstream.sdk.credential import default_credential


def open_followed(metrics: Metrics, sdk: DigitalTwinsClient, log: PartitionedLog) -> ChangeSource:
    """Gives what follows the log of `--changes`, and reads the state by queries."""
    return QueriedChanges(log, Queries(sdk), metrics.change_event, metrics.change_source_failed)


def open_remote(settings: Settings, metrics: Metrics, sdk: DigitalTwinsClient) -> ChangeSource | None:
    """Gives what follows the log of the upstream itself, if that may be a localtwins; the first call finds out.

    It tells this server all. Where it is asked in the names of callers, who may see less, it is not followed.
    """
    if settings.is_azure or settings.upstream_credential == "on-behalf-of":
        return None
    return RemoteChanges(RemoteLog(sdk, settings.upstream_timeout), metrics.change_source_failed)


def open_log(settings: Settings) -> PartitionedLog:
    """Opens the log of `--changes`, which has to be given; it is connected to when it is asked for something.

    Raises:
        StartupError: what it needs is not installed, or a file cannot be read, or the secret is none.
    """
    url = settings.changes or ""
    secret = _secret(settings)
    tls = authorities("--changes-ca", settings.changes_ca)
    return _event_hub(settings, url, secret) if url.startswith("eventhub:") else _kafka(settings, url, secret, tls)


def _kafka(settings: Settings, url: str, secret: str, tls: ssl.SSLContext | None) -> PartitionedLog:
    try:
        from twinfront_server.upstream.changes.kafka import KafkaLog  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise StartupError("--changes needs the library for Kafka: pip install 'twinfront[kafka]'") from error
    return KafkaLog(replace(KafkaUrl.parse(url), user=settings.changes_user or "", password=secret), tls)


def _event_hub(settings: Settings, url: str, secret: str) -> PartitionedLog:
    try:
        from azure.eventhub import parse_connection_string  # noqa: PLC0415  (an extra)
        from azure.eventhub.aio import EventHubConsumerClient  # noqa: PLC0415  (the same)

        from twinfront_server.upstream.changes.event_hubs import EventHubLog  # noqa: PLC0415  (the same)
    except ImportError as error:
        raise StartupError("--changes needs the library for Event Hubs: pip install 'twinfront[eventhub]'") from error
    parts = urlsplit(url)
    host, hub = parts.netloc, parts.path.removeprefix("/")
    group = parse_qs(parts.query).get("consumer_group", ["$Default"])[0]
    options: dict[str, Any] = {"connection_verify": settings.changes_ca} if settings.changes_ca else {}
    connect: Callable[[], EventHubConsumerClient]
    on_close: Callable[[], Awaitable[None]] | None = None
    if secret:
        try:
            told = parse_connection_string(secret)
        except ValueError:
            raise StartupError("--changes-secret is no connection string of an Event Hub") from None
        if told.fully_qualified_namespace.lower() != host.lower() or (told.eventhub_name or hub) != hub:
            raise StartupError("--changes-secret is the connection string of another Event Hub than that of --changes")
        connect = partial(
            EventHubConsumerClient.from_connection_string, secret, group, eventhub_name=hub, retry_total=2, **options
        )
    else:
        credential = default_credential()
        on_close = credential.close
        connect = partial(EventHubConsumerClient, host, hub, group, credential, retry_total=2, **options)
    return EventHubLog(f"{host}/{hub}", connect, on_close)


def _secret(settings: Settings) -> str:
    if settings.changes_secret_file is None:
        return settings.changes_secret or ""
    try:
        text = Path(settings.changes_secret_file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise StartupError(f"--changes-secret-file: {settings.changes_secret_file} cannot be read: {error}") from error
    if not text:
        raise StartupError(f"--changes-secret-file: {settings.changes_secret_file} is empty")
    return text
