"""The decision whether a call may be made: what each part of it costs, in processor time, beside a call that is let in.

Everything runs in this process, and nothing waits: the twin whose model decides is read from memory, where the front
asks its upstream, and the policy system has decided before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import orjson
from measuring import Samples
from prometheus_client import CollectorRegistry
from report import Report
from workload import MODEL_ID, model, twin_json

from twinfront_server.access.authorizer import ALLOWED, Authorizer, Decision, Question
from twinfront_server.access.file_policy import FilePolicy
from twinfront_server.access.grants import Policy, RolesByClaim
from twinfront_server.access.policy_document import parse_policy
from twinfront_server.access.principal import Principal
from twinfront_server.adt.answer import Answer
from twinfront_server.call import Call, current_call, enter_call
from twinfront_server.interceptors.authorization import authorize
from twinfront_server.interceptors.link import Behaviour, Method
from twinfront_server.metrics import Metrics
from twinfront_server.upstream.scoped.boundary import Boundary
from twinfront_server.upstream.scoped.lineage import Lineage
from twinfront_server.upstream.sdk_reads import SdkReads

_GET: Final = Method("twinfront.v1.DigitalTwinService", "GetDigitalTwin", False, False)
_ALICE: Final = Principal("alice", "jwt", frozenset({"reader"}), frozenset({"plant-7"}), {"tid": "acme"})
_TWIN: Final = "machine7"
_STRIDE: Final = 200
"""Calls between two looks at the clock."""

Decide = Callable[[], Awaitable[object]]


class _Reads:
    """Reads from memory: a twin, and the one model, which extends nothing."""

    def __init__(self) -> None:
        self._twin = Answer(orjson.dumps(twin_json(7, 1.0)), 'W/"1"')
        self._model = Answer(orjson.dumps({"id": MODEL_ID, "model": model()}), "")

    async def digital_twin(self, _digital_twin_id: str) -> Answer:
        return self._twin

    async def model(self, _model_id: str, *, include_model_definition: bool) -> Answer:  # noqa: ARG002  (as of the real one)
        return self._model


class _Decided:
    """Says yes."""

    async def decide(self, _question: Question) -> Decision:
        return ALLOWED


async def _proceed(_call: Call, _request: Any, _context: Any) -> None:
    return None


def _bound(**within: list[str]) -> Policy:
    """A policy with a hundred other bindings, and one for the caller, within bounds."""
    others: list[dict[str, Any]] = [
        {"role": "reader", "to": {"groups": [f"other-{number}"]}, "within": {"ids": [f"other-{number}-"]}}
        for number in range(100)
    ]
    own: dict[str, Any] = {"role": "reader", "to": {"groups": ["plant-7"]}} | ({"within": within} if within else {})
    return FilePolicy(parse_policy({"version": 1, "bindings": [*others, own]}), {"jwt"})


def _cases() -> dict[str, Decide]:
    reads = cast("SdkReads", _Reads())
    boundary = Boundary(reads, Lineage(reads))
    authorizer = Authorizer(_Decided(), Metrics(CollectorRegistry()), kept_seconds=3600.0)

    def let_in(behaviour: Behaviour) -> Decide:
        return lambda: behaviour(current_call(), b"", cast("Any", None))

    async def twin(_call: Call, _request: Any, _context: Any) -> None:
        await boundary.require_twin(_TWIN)

    async def asked(call: Call, _request: Any, _context: Any) -> None:
        await authorizer.require(call, _GET.full_name, {"digital_twin_id": _TWIN})

    ids, models = _bound(ids=["machine", "room"]), _bound(models=[MODEL_ID])
    return {
        "no decision (floor)": let_in(_proceed),
        "by roles": let_in(authorize(RolesByClaim())(_proceed, _GET)),
        "by a policy": let_in(authorize(_bound())(_proceed, _GET)),
        "by a policy, ids": let_in(authorize(ids)(twin, _GET)),
        "by a policy, models": let_in(authorize(models)(twin, _GET)),
        "by a policy system, kept": let_in(asked),
    }


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Measures, and prints the table."""
    cases = _cases()
    samples = Samples()
    enter_call(Call("bench", _GET.full_name, None, principal=_ALICE))
    for decide in cases.values():
        await decide()
    for _ in range(rounds):
        for name, decide in cases.items():
            samples.add(name, await _microseconds(decide, seconds / 4))
            await asyncio.sleep(0)
    floor, *others = cases
    rows: list[list[str]] = [[floor, f"{samples.median(floor):.2f}", "", ""]]
    for name in others:
        low, middle, high = samples.differences(name, floor)
        rows.append([name, f"{samples.median(name):.2f}", f"{middle:.2f}", f"{low:.2f} to {high:.2f}"])
    report.table("Decisions, µs of processor time", ["decision", "with the call", "alone", "quartiles"], rows)


async def _microseconds(decide: Decide, seconds: float) -> float:
    began, until, count = time.process_time(), time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        for _ in range(_STRIDE):
            await decide()
        count += _STRIDE
    return (time.process_time() - began) / count * 1e6
