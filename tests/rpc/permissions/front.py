"""A server that asks a policy system about its calls."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc.aio
import pytest

from twinfront_server.access.permissions import ROLES
from twinfront_server.app import App

from .caller import Caller, method_named

Raw = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
Serve = Callable[..., AbstractAsyncContextManager["Front"]]


class Front:
    """The server, and one who may do everything as far as his roles go."""

    def __init__(self, app: App, caller: Caller) -> None:
        self.app = app
        self.caller = caller.known_as("olga", *ROLES)

    def list_models(self) -> Raw:
        return self.caller.channel.unary_unary("/twinfront.v1.ModelService/ListModels")

    def decisions(self, outcome: str) -> float:
        name = "twinfront_authorizer_decisions_total"
        return self.app.metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0.0

    def in_flight(self) -> float:
        return self.app.metrics.registry.get_sample_value("twinfront_in_flight_requests") or 0.0

    def sent(self) -> float:
        """Counts the requests to its upstream."""
        metrics = self.app.metrics.registry.collect()
        name = "twinfront_upstream_request_seconds_count"
        return sum(sample.value for metric in metrics for sample in metric.samples if sample.name == name)


async def refusal(who: Caller, name: str, **fields: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await who.ask(name, **fields)
    return raised.value


async def reason(who: Caller, name: str, **fields: Any) -> str:
    return await who.reason(method_named(name), **fields)
