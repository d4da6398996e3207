"""A server on an embedded service that fails on demand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from localtwins.service import LocalTwins
from twinfront import AsyncTwinfrontClient
from twinfront_server.app import App
from twinfront_server.settings import Settings


@dataclass(frozen=True)
class House:
    """A server on an embedded service that has faults on demand, and a client of it."""

    client: AsyncTwinfrontClient
    app: App

    def inject(self, faults: str) -> None:
        """Puts faults in force in the service behind the server, in place of those that were."""
        close: Any = self.app.upstream._on_close
        service: LocalTwins = close.__self__
        service.inject(faults)

    def counted(self, name: str, **labels: str) -> float:
        """The sum of the series of a counter that have these labels."""
        return sum(
            sample.value
            for metric in self.app.metrics.registry.collect()
            for sample in metric.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


@asynccontextmanager
async def serving() -> AsyncIterator[House]:
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", health_interval=3600.0)
    async with App(settings) as app, AsyncTwinfrontClient(str(app.address), retry=False) as client:
        yield House(client, app)
