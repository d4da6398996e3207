"""Puts the policies of the pipeline into their order."""

from collections.abc import Mapping

from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.tracing import Tracing
from twinfront_server.upstream.sdk.circuit_breaker import CircuitBreaker
from twinfront_server.upstream.sdk.pipeline import AttemptsPolicy, BodyPolicy, Policy
from twinfront_server.upstream.sdk.refused_writes import RefusedWritesPolicy
from twinfront_server.upstream.sdk.traced_requests import TracingPolicy
from twinfront_server.upstream.sdk.validate_only import ValidateOnlyPolicy


class Policies:
    """The policies that requests to any upstream pass.

    Attributes:
        dry_runs: marks dry runs, and knows whether there are such.
        refused_writes: knows whether the upstream takes writes.
        in_order: all of them, the outermost first. Where there is a credential, its policy goes last: each attempt has
            to have a token that is good at that moment.

    Args:
        settings: how long and how often to try.
        metrics: measure each attempt.
        tracing: has a span for each.
        headers: what every request carries.
        circuit: keeps requests from an upstream that is away; None where it cannot be.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        tracing: Tracing,
        headers: Mapping[str, str],
        circuit: CircuitBreaker | None = None,
    ) -> None:
        self.dry_runs = ValidateOnlyPolicy()
        self.refused_writes = RefusedWritesPolicy()
        self.in_order: list[Policy] = [
            self.dry_runs,
            self.refused_writes,
            BodyPolicy(headers),
            AttemptsPolicy(
                metrics, read_retries=settings.read_retries, timeout=settings.upstream_timeout, circuit=circuit
            ),
        ]
        if tracing.is_on:
            self.in_order.append(TracingPolicy(tracing))
