"""Endpoints: the targets of event routes, and their notation in the settings."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from localtwins.events.cloud_events import CloudEvent
from localtwins.events.retry import Retry
from localtwins.files import FILE_MODE
from twinfront_program.kafka_url import PREFIXES as KAFKA_PREFIXES
from twinfront_program.kafka_url import KafkaUrl
from twinfront_program.startup_error import StartupError

_FILE: Final = "file:"
_NEWLINE: Final = b"\n"


class Endpoint(Protocol):
    """Takes events at least once."""

    async def deliver(self, events: Sequence[CloudEvent]) -> None:
        """Delivers events, those of one twin in their order, and tries for as long as needed.

        It returns when all have arrived. Cancelled, it may have delivered some of them.
        """

    async def close(self) -> None:
        """Lets go of files and connections."""


def check_target(target: str) -> None:
    """Refuses a target that is none of `file:PATH`, `http://…`, `https://…`, `kafka://…` and `kafkas://…`.

    Raises:
        ValueError: it is none.
    """
    if target.startswith(_FILE):
        if not target.removeprefix(_FILE):
            raise ValueError("the target file: needs a path")
        return
    if target.startswith(KAFKA_PREFIXES):
        KafkaUrl.parse(target)
        return
    try:
        parts = urlsplit(target)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets, or a port, that are none
        usable = False
    if not usable:
        raise ValueError(
            f"the target must be file:PATH, or a URL with http, https, kafka or kafkas, and not {target!r}"
        )


def require_installed(targets: Mapping[str, str]) -> None:
    """Sees to it that what endpoints need is installed.

    Args:
        targets: endpoint name -> where it delivers to.

    Raises:
        StartupError: it is not.
    """
    for name, target in targets.items():
        if target.startswith(KAFKA_PREFIXES) and find_spec("aiokafka") is None:
            raise StartupError(f"the endpoint {name} needs the library for Kafka: pip install 'twinfront[kafka]'")


def open_endpoint(name: str, target: str) -> Endpoint:
    """Makes the endpoint `name` that delivers to `target`."""
    if target.startswith(_FILE):
        return FileEndpoint(name, Path(target.removeprefix(_FILE)))
    if target.startswith(KAFKA_PREFIXES):
        from localtwins.events.kafka_topic import KafkaEndpoint  # noqa: PLC0415  (an extra)

        return KafkaEndpoint(name, KafkaUrl.parse(target))
    from localtwins.events.webhook import WebhookEndpoint  # noqa: PLC0415  (the HTTP client loads slowly)

    return WebhookEndpoint(name, target)


class FileEndpoint:
    """Appends events to a file, one CloudEvent in JSON a line."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._lock = asyncio.Lock()

    async def deliver(self, events: Sequence[CloudEvent]) -> None:
        """Appends the events and sees them on the disk."""
        lines = b"".join(event.to_json() + _NEWLINE for event in events)
        retry = Retry(self._name)
        while True:
            try:
                async with self._lock:
                    await asyncio.to_thread(self._append, lines)
            except OSError as error:
                await retry.wait(str(error))
            else:
                retry.succeeded()
                return

    def _append(self, lines: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, FILE_MODE)
        with os.fdopen(descriptor, "a+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != _NEWLINE:  # an earlier process died over a line; the event comes again whole
                    file.write(_NEWLINE)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    async def close(self) -> None:
        """Does nothing: the file is open only while it is written."""
