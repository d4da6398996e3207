"""The parts of the server, put together: settings, metrics, upstream, services, server, health."""

import asyncio
import contextlib
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

import grpc.aio
from grpc_health.v1 import health_pb2_grpc
from prometheus_client import CollectorRegistry, ProcessCollector
from structlog.typing import FilteringBoundLogger

from twinfront_server import health, reflection
from twinfront_server.address import Address
from twinfront_server.errors import StartupError, TwinfrontError
from twinfront_server.interceptors.chain import Chain
from twinfront_server.log import get_logger
from twinfront_server.metrics import Metrics
from twinfront_server.metrics_endpoint import MetricsEndpoint
from twinfront_server.server import create_server, listen
from twinfront_server.services import register
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream, open_upstream

_SETTLING_SECONDS: Final = 0.5
"""What the last answers may take to leave, before streams that do not end by themselves (health watches) are cut."""

_SHARE_FOR_STREAMS: Final = 0.8
"""Of the grace, how much streams have to end by themselves; in the rest they end where they can be gone on with."""

_HOLDING_LOOKS: Final = 20
_HOLDING_LOOK_SECONDS: Final = 0.05
_QUIET_LOOKS: Final = 4
"""How many looks in a row have to find nothing new: on a busy machine a call can take that long to get here."""


class App:
    """A whole server; `async with App(settings) as app` serves inside the block.

    Attributes:
        address: where gRPC is served, with the real port.
        metrics_address: where `/metrics` is served; None if it is not.
        metrics: the server's metrics.
        upstream: where the twins are.
    """

    address: Address
    metrics_address: Address | None = None
    upstream: Upstream

    def __init__(self, settings: Settings, log: FilteringBoundLogger | None = None) -> None:
        self._settings = settings
        self._log = log or get_logger()
        self._closing = contextlib.AsyncExitStack()
        self.metrics = Metrics(CollectorRegistry())
        ProcessCollector(registry=self.metrics.registry)
        self._chain = Chain(settings, self.metrics, self._log, self._require_validation)
        self._server: grpc.aio.Server
        self._health: health.Health

    async def __aenter__(self) -> Self:
        """Starts everything.

        Raises:
            StartupError: if a port, a certificate or the upstream's data cannot be had.
        """
        async with contextlib.AsyncExitStack() as closing:
            await self._start(closing)
            self._closing = closing.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stops at once; what is in flight is cancelled. `drain` comes before if it should not be."""
        await self._closing.aclose()

    async def drain(self, hasten: asyncio.Event | None = None) -> None:
        """Stops serving without cutting off callers: NOT_SERVING, then no new calls, then the end of those in flight.

        Args:
            hasten: set by someone who does not want to wait; what is still in flight is then cancelled.
        """
        hasten = hasten or asyncio.Event()
        self._health.close()
        await _either(hasten.wait(), asyncio.sleep(self._settings.drain_delay))
        self._chain.draining.hold()
        await _either(hasten.wait(), self._all_are_held())
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.drain_grace
        stopping = asyncio.create_task(self._server.stop(self._settings.drain_grace))
        await asyncio.sleep(0)  # the clients are told to go elsewhere in its first step
        self._chain.draining.begin()
        await _either(hasten.wait(), self._quiet(), asyncio.wait({stopping}), self._end_streams())
        await self._server.stop(None)
        await stopping
        # Writes whose callers are gone may still be under way.
        await _either(hasten.wait(), self._chain.recent_outcomes.idle(), asyncio.sleep(end - loop.time()))

    async def _all_are_held(self) -> None:
        """Returns when no more calls come, since those who send them wait for an answer, or when a second is over."""
        quiet = 0
        for _ in range(_HOLDING_LOOKS):
            held = self._chain.draining.held
            await asyncio.sleep(_HOLDING_LOOK_SECONDS)
            quiet = quiet + 1 if self._chain.draining.held == held else 0
            if quiet == _QUIET_LOOKS:
                return

    async def _end_streams(self) -> None:
        """Has streams that are still there when most of the grace is over end in good order; never returns."""
        await asyncio.sleep(self._settings.drain_grace * _SHARE_FOR_STREAMS)
        self._chain.draining.end_streams()
        await asyncio.Event().wait()

    async def _quiet(self) -> None:
        """Returns when no call is in flight and the last answers have left."""
        await self._chain.in_flight.idle()
        await asyncio.sleep(_SETTLING_SECONDS)

    async def _require_validation(self) -> None:
        await self.upstream.require_validation()

    async def _start(self, closing: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        self.upstream = await open_upstream(settings, self.metrics)
        closing.push_async_callback(self.upstream.close)
        closing.push_async_callback(self._chain.recent_outcomes.close)
        if settings.sample:
            from twinfront_server.sample import load_sample  # noqa: PLC0415  (only who asks for it needs it)

            try:
                sample = await load_sample(self.upstream)
            except TwinfrontError as error:
                raise StartupError(f"the sample cannot be loaded (--sample): {error.message}") from error
            self._log.info("sample loaded" if sample.loaded else "no sample loaded, the upstream is not empty")

        self._server = create_server(settings, self._chain)
        services = register(self._server, self.upstream, settings)
        self._health = health.Health(services)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        services.append(health.SERVICE_NAME)
        if settings.reflection:
            services += reflection.SERVICE_NAMES
            reflection.serve_reflection(self._server, services)
        self.metrics.register_services(services)

        if settings.metrics_listen != "none":
            endpoint = MetricsEndpoint(self.metrics.registry)
            self.metrics_address = await endpoint.start(Address.parse(settings.metrics_listen))
            closing.push_async_callback(endpoint.close)

        self.address = listen(self._server, settings, self._log, self.metrics)
        await self._server.start()
        closing.push_async_callback(self._server.stop, None)
        watch = health.UpstreamWatch(self.upstream, self._health, self._log)
        await watch.look()
        following = asyncio.create_task(watch.follow(settings.health_interval))
        closing.push_async_callback(_cancel, following)


async def _either(*waits: Coroutine[Any, Any, object]) -> None:
    """Waits for the first of them and cancels the others."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            await _cancel(task)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
