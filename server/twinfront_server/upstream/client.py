"""`Upstream`: each operation of Azure Digital Twins as one method of one of its parts, over the official SDK."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.access.scope import Scope
from twinfront_server.audit import NO_AUDIT, Audit
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes.source import ChangeSource
from twinfront_server.upstream.resources.event_routes import EventRoutes
from twinfront_server.upstream.resources.jobs import DeleteJobs, ImportJobs
from twinfront_server.upstream.scoped.boundary import Boundary
from twinfront_server.upstream.scoped.digital_twins import ScopedDigitalTwins
from twinfront_server.upstream.scoped.lineage import Lineage
from twinfront_server.upstream.scoped.models import ScopedModels
from twinfront_server.upstream.scoped.queries import ScopedQueries
from twinfront_server.upstream.scoped.relationships import ScopedRelationships
from twinfront_server.upstream.scoped.telemetry import ScopedTelemetry
from twinfront_server.upstream.sdk.refused_writes import RefusedWritesPolicy
from twinfront_server.upstream.sdk.validate_only import ValidateOnlyPolicy, validate_only_unsupported
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.shaping import WriteShaper
from twinfront_server.upstream.writing import Writing


class Upstream:
    """Azure Digital Twins, or what stands in for it.

    Every method raises `TwinfrontError` and no other exception, cancellation aside; so do those of its parts.

    Args:
        sdk: the SDK's client, with the pipeline of `sdk/pipeline.py`.
        dry_runs: the policy of that pipeline that dry runs depend on; without it there are none.
        refused_writes: the policy of that pipeline that knows whether writes are refused; without it none are.
        on_close: what else to close when the upstream is closed.
        on_settled: told of each write whose answer was lost: `applied`, `repeated` or `unknown`.
        outage: set by that pipeline while it sends nothing but probes.
        audit: told of every write.
        shaper: has writes wait for their turn; without it they wait for none.
        changes: the log of its changes; None where there is none.
        is_delegated: whether it is asked in the names of callers: no answer to one of them is for another, and in the
            name of nobody it refuses all.
    """

    def __init__(
        self,
        sdk: DigitalTwinsClient,
        dry_runs: ValidateOnlyPolicy | None = None,
        refused_writes: RefusedWritesPolicy | None = None,
        on_close: Callable[[], Awaitable[None]] | None = None,
        on_settled: Callable[[str], None] = lambda _outcome: None,
        outage: asyncio.Event | None = None,
        audit: Audit = NO_AUDIT,
        shaper: WriteShaper | None = None,
        *,
        changes: ChangeSource | None = None,
        is_delegated: bool = False,
    ) -> None:
        self.outage = outage or asyncio.Event()
        self.changes = changes
        self._sdk = sdk
        self._dry_runs = dry_runs or ValidateOnlyPolicy()
        self._refused_writes = refused_writes or RefusedWritesPolicy()
        self._on_close = on_close
        self._shaper = shaper
        self._signs_of_life = {Reason.MODEL_NOT_FOUND, Reason.UPSTREAM_THROTTLED}
        self._is_delegated = is_delegated
        if is_delegated:
            self._signs_of_life.add(Reason.UPSTREAM_CREDENTIALS_REJECTED)
        self._reads = reads = SdkReads(sdk)
        writing = Writing(reads, on_settled, audit, shaper)
        self._lineage = lineage = Lineage(reads)
        self._boundary = boundary = Boundary(reads, lineage)
        self.twins = ScopedDigitalTwins(sdk, reads, writing, boundary, share_reads=not is_delegated)
        self.relationships = ScopedRelationships(sdk, reads, writing, boundary)
        self.models = ScopedModels(sdk, reads, writing, boundary)
        self.queries = ScopedQueries(sdk, boundary)
        self.telemetry = ScopedTelemetry(sdk, writing, boundary)
        self.event_routes = EventRoutes(sdk, reads, writing)
        self.import_jobs = ImportJobs(sdk, reads, writing)
        self.delete_jobs = DeleteJobs(sdk, reads, writing)

    async def close(self) -> None:
        """Closes the connections, and the embedded service if there is one."""
        if self.changes is not None:
            await self.changes.close()
        await self._sdk.close()
        if self._on_close is not None:
            await self._on_close()

    def end_waiting_writes(self) -> None:
        """Ends writes that wait for their turn with SERVER_DRAINING: the server stops, and they are not begun."""
        if self._shaper is not None:
            self._shaper.end_waiting()

    async def probe(self) -> bool:
        """Tells whether the upstream answers calls, and does not say that it takes no writes.

        It is asked for a model that nobody has, which costs next to nothing.
        """
        try:
            await self._reads.probe()
        except TwinfrontError as error:
            if error.reason not in self._signs_of_life:
                return False
        if self._refused_writes.refused:
            current_call().cause = "it answers, and says that its storage takes no writes: see whether its disk is full"
        return not self._refused_writes.refused

    async def inside(self, digital_twin_ids: Iterable[str], scope: Scope) -> frozenset[object]:
        """Gives those of these ids whose twins lie within a scope."""
        return await self._boundary.inside(digital_twin_ids, scope)

    async def descends(self, model_id: str, ancestors: Collection[str], *, if_gone: bool = False) -> bool:
        """Tells whether a model is one of these or extends one; arguments as for `Lineage.descends`."""
        return await self._lineage.descends(model_id, ancestors, if_gone=if_gone)

    async def missing_model(self, model_ids: Iterable[str]) -> str | None:
        """Gives the first of some models that there is not; None if there are all, or if the upstream cannot tell."""
        for model_id in model_ids:
            try:
                await self._reads.model(model_id, include_model_definition=False)
            except TwinfrontError as error:
                return model_id if error.reason in {Reason.MODEL_NOT_FOUND, Reason.INVALID_ARGUMENT} else None
        return None

    async def require_reader(self) -> None:
        """Has the upstream say that the caller may read, where that is its to say.

        Changes are not read in the name of callers: without this question whoever may call would be told of them.

        Raises:
            TwinfrontError: UPSTREAM_CREDENTIALS_REJECTED if he may not, or what keeps the upstream from being asked.
        """
        if self._is_delegated:
            await self._require_answer()

    async def require_validation(self) -> None:
        """Sees to it that dry runs are possible; to be awaited in a call that is one (`Call.validate_only`).

        The upstream is asked once, with a read.

        Raises:
            TwinfrontError: VALIDATE_ONLY_UNSUPPORTED, or what keeps the upstream from being asked.
        """
        if self._dry_runs.supported is None:
            if self.outage.is_set():  # the probe would be sent all the same
                raise upstream_unavailable("Azure Digital Twins cannot be reached.")
            await self._require_answer()
            if self._dry_runs.supported is None:
                self._dry_runs.supported = False
        if not self._dry_runs.supported:
            raise validate_only_unsupported()

    async def _require_answer(self) -> None:
        """Has the upstream answer the caller's read of a model that nobody has.

        Raises:
            TwinfrontError: what keeps it from saying that there is none.
        """
        try:
            await self._reads.probe()
        except TwinfrontError as error:
            if error.reason is not Reason.MODEL_NOT_FOUND:
                raise
