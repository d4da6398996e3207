"""The parts of the server, put together: settings, metrics, upstream, services, server, health."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

import grpc.aio
from grpc_health.v1 import health_pb2_grpc
from prometheus_client import CollectorRegistry, ProcessCollector

from twinfront_program.address import Address, Place
from twinfront_program.log import Log, get_logger
from twinfront_program.startup_error import StartupError
from twinfront_server import health, reflection
from twinfront_server.access.authenticator import open_authenticator
from twinfront_server.access.policy import open_authorizer, open_policy
from twinfront_server.audit import open_audit
from twinfront_server.background import running
from twinfront_server.drain import drain
from twinfront_server.errors import TwinfrontError
from twinfront_server.interceptors.chain import Chain
from twinfront_server.metrics import Metrics
from twinfront_server.metrics_endpoint import MetricsEndpoint
from twinfront_server.outcomes.redis_store import open_redis_outcomes
from twinfront_server.outcomes.store import OutcomeStore, Unshared
from twinfront_server.server import create_server, in_one_queue, listen, listen_for_certificates
from twinfront_server.services import register
from twinfront_server.settings import Settings
from twinfront_server.stall_watch import StallWatch
from twinfront_server.tracing import Tracing, open_tracing
from twinfront_server.upstream import Upstream, open_upstream


class App:
    """A whole server; `async with App(settings) as app` serves inside the block.

    Attributes:
        address: where gRPC is served, with the real port.
        mtls_address: where gRPC is served to callers with certificates, if that is not at `address`.
        metrics_address: where `/metrics` is served; None if it is not.
        metrics: the server's metrics.
        upstream: where the twins are.
    """

    address: Place
    mtls_address: Address | None = None
    metrics_address: Address | None = None
    upstream: Upstream

    def __init__(self, settings: Settings, log: Log | None = None, tracing: Tracing | None = None) -> None:
        self._settings = settings
        self._log = log or get_logger()
        self._tracing = tracing
        self._closing = contextlib.AsyncExitStack()
        self.metrics = Metrics(CollectorRegistry())
        ProcessCollector(registry=self.metrics.registry)
        self._chain: Chain
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
        await drain(self._server, self._chain, self._health, self.upstream, self._settings, hasten or asyncio.Event())

    async def _start(self, closing: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        tracing = self._tracing or open_tracing(self._log)
        closing.push_async_callback(asyncio.to_thread, tracing.close)
        audit = open_audit(settings.audit_log, self._log, self.metrics.audit_lines_lost)
        closing.push_async_callback(asyncio.to_thread, audit.close)
        authenticator = await closing.enter_async_context(open_authenticator(settings, self.metrics, self._log))
        self.upstream = await open_upstream(settings, self.metrics, tracing, audit)
        closing.push_async_callback(self.upstream.close)
        outcomes = self._open_outcomes()
        closing.push_async_callback(outcomes.close)
        if settings.sample:
            from twinfront_server.sample import load_sample  # noqa: PLC0415  (only who asks for it needs it)

            try:
                sample = await load_sample(self.upstream)
            except TwinfrontError as error:
                raise StartupError(f"the sample cannot be loaded (--sample): {error.message}") from error
            self._log.info("sample loaded" if sample.loaded else "no sample loaded, the upstream is not empty")

        policy = await closing.enter_async_context(
            open_policy(settings, self.upstream.missing_model, self.metrics, self._log)
        )
        authorizer = await closing.enter_async_context(open_authorizer(settings, self.metrics))
        self._chain = Chain(
            settings,
            self.metrics,
            self._log,
            self.upstream.require_validation,
            authenticator,
            policy,
            authorizer,
            tracing=tracing,
            outcomes=outcomes,
        )
        closing.push_async_callback(self._chain.recent_outcomes.close)
        self._server = create_server(settings, self._chain)
        services = register(in_one_queue(self._server, settings), self.upstream, settings, self.metrics)
        self._health = health.Health(services)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        services.append(health.SERVICE_NAME)
        if settings.reflection:
            services += reflection.SERVICE_NAMES
            reflection.serve_reflection(self._server, services)
        self.metrics.register_services(services)

        stalls = StallWatch(settings.max_stall_time, self._log, self.metrics.stalls)
        stalls.start()
        closing.callback(stalls.close)

        def is_ready() -> bool:
            return self._health.is_serving and not stalls.is_stalled

        self.metrics.serving.set_function(is_ready)
        self.metrics.draining.set_function(lambda: self._health.is_closing)
        if settings.metrics_listen != "none":
            endpoint = MetricsEndpoint(
                self.metrics.registry,
                is_live=lambda: not stalls.is_stalled,
                is_ready=is_ready,
                refuse=None if "metrics" in settings.auth_exemptions else authenticator.refuse,
            )
            self.metrics_address = await endpoint.start(Address.parse(settings.metrics_listen))
            closing.push_async_callback(endpoint.close)

        self.address = listen(self._server, settings, self._log, self.metrics)
        if settings.mtls_listen is not None:
            self.mtls_address = listen_for_certificates(self._server, settings, self._log, self.metrics)
        await self._server.start()
        closing.push_async_callback(self._server.stop, None)
        watch = health.UpstreamWatch(self.upstream, self._health, self._log)
        await watch.look()
        await closing.enter_async_context(running(watch.follow(settings.health_interval)))

    def _open_outcomes(self) -> OutcomeStore:
        if self._settings.outcomes == "memory":
            return Unshared()
        return open_redis_outcomes(self._settings, self.metrics.outcome_store_failures, self._log)
