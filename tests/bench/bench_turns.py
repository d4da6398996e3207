"""Measures what it costs to let a call in, and to let a write go on: processor time where nobody has to wait.

There is no server without the first to compare with, so they run here by themselves.
"""

import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from measuring import Samples
from prometheus_client import CollectorRegistry
from report import Report

from twinfront_server.adt.body import Body
from twinfront_server.call import Call, enter_call
from twinfront_server.interceptors.admission import Admission
from twinfront_server.interceptors.link import Method
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.shaping import WriteShaper

_TIMES: Final = 2_000
_TWINS: Final = 20_000
"""More than are remembered, so that each write makes room for itself among them."""

_METHOD: Final = Method("twinfront.v1.DigitalTwinService", "UpdateDigitalTwin", False, False)


class _Context:
    def peer(self) -> str:
        return "ipv4:10.0.0.7:1000"


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Runs each by itself in turn, and prints the table."""
    cases = _cases()
    samples = Samples()
    for _ in range(round(rounds * seconds * 10)):
        for name, case in cases.items():
            samples.add(name, await _microseconds(case))
    base = next(iter(cases))
    report.table(
        "What a call costs on its way in (processor time in us)",
        ["case", "us", "more than nothing"],
        [[name, f"{samples.median(name):.2f}", f"{samples.differences(name, base)[1]:+.2f}"] for name in cases],
    )


async def _microseconds(case: Callable[[], Awaitable[Any]]) -> float:
    start = time.thread_time()
    for _ in range(_TIMES):
        await case()
    return (time.thread_time() - start) / _TIMES * 1e6


def _cases() -> dict[str, Callable[[], Awaitable[Any]]]:
    call = Call("", "", None)
    enter_call(call)
    unbounded = {"twin_write_rate": 1e9, "patch_rate": 1e9, "create_delete_rate": 1e9}
    metrics, context = Metrics(CollectorRegistry()), _Context()
    shaper = WriteShaper(Settings.of(unbounded), metrics)
    patches = itertools.cycle(_asked(operations.PATCH_DIGITAL_TWIN))
    puts = itertools.cycle(_asked(operations.PUT_RELATIONSHIP))
    log = structlog.get_logger()

    async def nothing(*_: Any) -> None: ...

    def admission(**rates: float) -> Callable[[], Awaitable[Any]]:
        link: Any = Admission(Settings.of(rates), metrics, log).link(nothing, _METHOD)
        return lambda: link(call, b"", context)

    return {
        "nothing": nothing,
        "admission": admission(),
        "admission, with rates": admission(caller_call_rate=1e9, caller_query_rate=1e9),
        "turn of a patch": lambda: shaper.turn(next(patches)),
        "turn of a relationship, between two twins": lambda: shaper.turn(next(puts)),
    }


def _asked(operation: operations.Operation) -> list[Asked]:
    return [
        Asked(operation, {"digital_twin_id": f"machine{number}", "target_id": f"floor{number}"}, Body(b"", ""))
        if operation is operations.PUT_RELATIONSHIP
        else Asked(operation, {"digital_twin_id": f"machine{number}"}, Body(b"", ""))
        for number in range(_TWINS)
    ]
