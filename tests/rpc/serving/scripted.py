"""`UpdateDigitalTwin`, served with the chain by a servicer that does what a test tells it to."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

import grpc.aio
import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture
from structlog.typing import EventDict

from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_service_pb2 import UpdateDigitalTwinRequest, UpdateDigitalTwinResponse
from twinfront.v1.digital_twin_service_pb2_grpc import (
    DigitalTwinServiceServicer,
    DigitalTwinServiceStub,
    add_DigitalTwinServiceServicer_to_server,
)
from twinfront_server.access.authenticator import NO_AUTHENTICATION, Authenticator
from twinfront_server.call import Call, current_call
from twinfront_server.interceptors.chain import Chain
from twinfront_server.interceptors.recent_outcomes import RecentOutcomes
from twinfront_server.metrics import Metrics
from twinfront_server.outcomes.redis_store import open_redis_outcomes
from twinfront_server.outcomes.store import OutcomeStore, Unshared
from twinfront_server.reasons import Reason
from twinfront_server.settings import Settings

SECONDS = 20.0
"""The deadline of a call."""

PATIENCE = 60.0
"""The time that a write may take whose caller has gone."""

FINAL = [
    Reason.ETAG_MISMATCH,
    Reason.TWIN_NOT_FOUND,
    Reason.VALIDATION_FAILED,
    Reason.LIMIT_REACHED,
    Reason.OUTCOME_UNKNOWN,
    Reason.UPSTREAM_ANSWER_UNEXPECTED,
]
NOTHING_DONE = [
    Reason.UPSTREAM_UNAVAILABLE,
    Reason.SERVER_DRAINING,
    Reason.UPSTREAM_THROTTLED,
    Reason.UPSTREAM_CREDENTIALS_REJECTED,
    Reason.CALLER_NOT_PERMITTED,
    Reason.AUTHORIZER_UNAVAILABLE,
    Reason.DEADLINE_EXCEEDED,
]


@dataclass
class Answer:
    """How a call ended, and its trailing metadata."""

    etag: str
    reason: str
    trailers: dict[str, str | bytes]

    @property
    def replayed(self) -> bool:
        return self.trailers.get("twinfront-replayed") == "true"


class Servicer(DigitalTwinServiceServicer):
    """Answers with the number of the run as etag, or fails.

    Attributes:
        runs: the calls that it was run for.
        failures: what the next runs raise, one each.
        gate: what each run waits at.
        entered: set when a run has come to the gate.
        ended: how many runs have left it, cancelled ones included.
    """

    def __init__(self) -> None:
        self.runs: list[Call] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.ended = 0

    async def UpdateDigitalTwin(  # noqa: N802  (named in the contract)
        self, request: UpdateDigitalTwinRequest, _context: Any
    ) -> UpdateDigitalTwinResponse:
        call = current_call()
        self.runs.append(call)
        number = len(self.runs)
        call.upstream_attempts += 1
        self.entered.set()
        try:
            await self.gate.wait()
        finally:
            self.ended += 1
        if self.failures:
            raise self.failures.pop(0)
        return UpdateDigitalTwinResponse(etag=f"run {number}{request.digital_twin_id}")


@dataclass
class ScriptedServer:
    """The servicer, served with the chain of the given settings.

    Attributes:
        authenticator: knows callers.
        now: the time by which outcomes are kept.
        limits: arguments of `RecentOutcomes`.
    """

    settings: Settings
    limits: dict[str, Any] = field(default_factory=dict)
    authenticator: Authenticator = NO_AUTHENTICATION
    now: float = 0.0
    servicer: Servicer = field(default_factory=Servicer)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    log: list[EventDict] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        capture = LogCapture()
        self.log = capture.entries
        log = structlog.wrap_logger(None, [capture], wrapper_class=structlog.make_filtering_bound_logger(0)).bind()
        self.chain = Chain(self.settings, self.metrics, log, self.validation, self.authenticator)
        limits: dict[str, Any] = {"patience": PATIENCE, "clock": lambda: self.now} | self.limits
        self.store: OutcomeStore = Unshared()
        if self.settings.outcomes != "memory":
            self.store = open_redis_outcomes(self.settings, self.metrics.outcome_store_failures, log)
        self.outcomes = RecentOutcomes(self.metrics.replayed_outcomes, log, self.store, **limits)
        self.chain.message_links["recent_outcomes"] = self.outcomes.link
        self.server = grpc.aio.server(interceptors=[self.chain])
        add_DigitalTwinServiceServicer_to_server(self.servicer, self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stub = DigitalTwinServiceStub(self.channel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()
        await self.server.stop(None)
        await self.outcomes.close()
        await self.store.close()

    async def validation(self) -> None:
        """Dry runs are possible."""

    def start(self, request_id: str, timeout: float = SECONDS, caller: str = "", **fields: Any) -> Any:
        """Starts a call and returns grpc's object for it."""
        request = UpdateDigitalTwinRequest(request_id=request_id, **fields)
        return self.stub.UpdateDigitalTwin(request, timeout=timeout, metadata=[("caller", caller)])

    async def call(self, request_id: str, timeout: float = SECONDS, **fields: Any) -> Answer:  # noqa: ASYNC109  (it is sent)
        return await answer_of(self.start(request_id, timeout, **fields))

    def replays(self) -> float | None:
        return self.metrics.registry.get_sample_value("twinfront_replayed_outcomes_total")

    def store_failures(self) -> float:
        return self.metrics.registry.get_sample_value("twinfront_outcome_store_failures_total") or 0.0

    def events(self, event: str) -> list[EventDict]:
        return [entry for entry in self.log if entry["event"] == event]


async def answer_of(call: Any) -> Answer:
    """Waits for the end of a call."""
    try:
        etag, reason = (await call).etag, ""
    except grpc.aio.AioRpcError as error:
        etag, reason = "", from_rpc_error(error).reason
    return Answer(etag, reason, dict(await call.trailing_metadata() or ()))


async def begin(server: ScriptedServer, request_id: str, **fields: Any) -> Any:
    """A call whose write is held at the gate."""
    server.servicer.gate.clear()
    server.servicer.entered.clear()
    call = server.start(request_id, **fields)
    await server.servicer.entered.wait()
    return call


async def abandon(call: Any) -> None:
    """The caller goes away, and its call is over on the server too."""
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
