"""Health (`grpc.health.v1`): one status per service and one for all, following the upstream; and the server's own.

The servicer is our own, because the one that comes with grpcio-health-checking forgets about the other watchers of a
service as soon as one of them leaves.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from twinfront_program.log import Log
from twinfront_server.call import Call, enter_call
from twinfront_server.errors import shortened

SERVICE_NAME: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

SERVER: Final = "twinfront.server"
"""The server itself, whatever the upstream does: SERVING until it is about to stop.

Clients watch it, as the service config says, to know where to send calls. If all servers have the same upstream, they
would have nowhere to go when that is away, and get no answer that says so.
"""

PROBE_SECONDS: Final = 5.0
"""An upstream that takes longer to answer a probe is not healthy."""


OUTAGE_INTERVAL_SECONDS: Final = 1.0
"""Time between two probes of an upstream that failed many times in a row: calls are refused until it answers one."""


class Probed(Protocol):
    """An upstream, the health of which the server's health follows.

    Attributes:
        outage: set while nothing but probes is sent to it.
    """

    outage: asyncio.Event

    async def probe(self) -> bool:
        """Tells whether it is reachable and answering."""


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the library has no types
    """The statuses, and the servicer that tells them."""

    def __init__(self, services: Iterable[str]) -> None:
        self._status = HealthCheckResponse.NOT_SERVING
        self._services = frozenset({"", *services})
        self._changed = asyncio.Event()
        self._closing = False

    def report(self, *, healthy: bool) -> None:
        """Sets the status of all services; does nothing any more once the server is closing."""
        if not self._closing:
            self._set(HealthCheckResponse.SERVING if healthy else HealthCheckResponse.NOT_SERVING)

    @property
    def is_serving(self) -> bool:
        """Tells, on any thread, whether calls may come."""
        return bool(self._status == HealthCheckResponse.SERVING)

    @property
    def is_closing(self) -> bool:
        """Tells whether the server is about to stop."""
        return self._closing

    def close(self) -> None:
        """Makes every status NOT_SERVING."""
        self._closing = True
        self._set(HealthCheckResponse.NOT_SERVING)

    async def Check(self, request: HealthCheckRequest, context: Any) -> HealthCheckResponse:  # noqa: N802  (the contract's name)
        """Gives the status of a service; the empty name stands for all of them."""
        status = self._status_of(request.service)
        if status == HealthCheckResponse.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"There is no service {shortened(request.service)!r} here.")
        return HealthCheckResponse(status=status)

    async def Watch(self, request: HealthCheckRequest, _context: Any) -> AsyncIterator[HealthCheckResponse]:  # noqa: N802  (the contract's name)
        """Gives the status of a service, now and whenever it changes."""
        sent = None
        while True:
            changed = self._changed
            status = self._status_of(request.service)
            if status != sent:
                yield HealthCheckResponse(status=status)
                sent = status
            await changed.wait()

    def _status_of(self, service: str) -> int:
        status: int = HealthCheckResponse.SERVICE_UNKNOWN
        if service == SERVER:
            status = HealthCheckResponse.NOT_SERVING if self._closing else HealthCheckResponse.SERVING
        elif service in self._services:
            status = self._status
        return status

    def _set(self, status: int) -> None:
        self._status = status
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class UpstreamWatch:
    """Makes health follow the upstream."""

    def __init__(self, upstream: Probed, health: Health, log: Log) -> None:
        self._upstream = upstream
        self._health = health
        self._log = log
        self._healthy: bool | None = None

    async def look(self) -> None:
        """Probes the upstream once, and reports; changes go to the log."""
        call = Call(call_id="", method="probe", deadline=None)
        enter_call(call)
        before, self._healthy = self._healthy, await self._is_answering()
        if self._healthy and not before:
            self._log.info("the upstream answers")
        elif not self._healthy and before is not False:
            self._log.warning("the upstream does not answer", cause=call.cause or "no answer in time")
        self._health.report(healthy=self._healthy)

    async def follow(self, interval: float) -> None:
        """Looks every `interval` seconds, until cancelled; more often while nothing else is sent to the upstream."""
        outage = self._upstream.outage
        while True:
            if outage.is_set():
                await asyncio.sleep(min(interval, OUTAGE_INTERVAL_SECONDS))
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(outage.wait(), interval)
                    self._log.warning("the upstream fails: nothing but probes is sent until it answers one")
                    self._health.report(healthy=False)
            await self.look()

    async def _is_answering(self) -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return await self._upstream.probe()
        except TimeoutError:
            return False
        except Exception:  # noqa: BLE001  (whatever it is, the server goes on and says NOT_SERVING)
            self._log.exception("the upstream could not be probed")
            return False
