"""Asks a policy system whether calls may be made, and keeps what it decided for a while."""

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from twinfront_server.access.failing_questions import FailingQuestions
from twinfront_server.access.principal import Principal
from twinfront_server.access.rules import RULES
from twinfront_server.background import end
from twinfront_server.errors import authorizer_unavailable, caller_not_permitted

if TYPE_CHECKING:
    from twinfront_server.metrics import Metrics

MAX_DECISIONS: Final = 10_000
"""How many decisions are kept; beyond that the oldest go."""

_LONG: Final = 256
"""Characters of an id beyond which what is kept about it has its hash."""

_Key: TypeAlias = tuple[Hashable, ...]


class JudgedCall(Protocol):
    """Says of a call what is asked about it.

    Attributes:
        call_id: its id.
        metadata: what came beside its request.
        principal: who makes it.
        cause: gets what the log is to have of a refusal.
    """

    call_id: str
    metadata: Sequence[tuple[str, str | bytes]]
    principal: Principal
    cause: str


@dataclass(frozen=True, slots=True)
class Question:
    """Asks whether a call may be made.

    Attributes:
        principal: who calls.
        method: the RPC, by its full name.
        resource: what it is about, by field: ids, and what else decides.
        headers: the metadata of the call that is shown, by key.
        call_id: of the call for whose sake it is asked; another may get the same answer.
    """

    principal: Principal
    method: str
    resource: Mapping[str, str]
    headers: Mapping[str, str]
    call_id: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Says what came of a question.

    Attributes:
        outcome: the decision, or that there is none.
        text: what the caller is to hear of it; may be empty.
        cause: what the log is to have of it; may be empty.
    """

    outcome: Literal["allowed", "denied", "failed"]
    text: str = ""
    cause: str = ""


ALLOWED: Final = Decision("allowed")
_GIVEN_UP: Final = Decision("failed", cause="the authorizer was not asked: it had just failed many times in a row")


class PolicySystem(Protocol):
    """Decides, wherever it is."""

    async def decide(self, question: Question) -> Decision:
        """Gives the decision, or that there is none: it raises nothing, and takes a bounded time."""


class Authorizer:
    """Has a policy system decide about calls. Without a decision no call is made.

    Who asks what is being asked already waits for that answer. A decision is kept from when it was asked for, whatever
    it is; that there is none is kept for nobody.

    Args:
        system: decides.
        metrics: counts what it is asked, and what came of it.
        kept_seconds: how long a decision is good for; 0 for nobody else than who waits for it.
        headers: keys of the metadata that it is shown.
        clock: the time in seconds.
    """

    def __init__(
        self,
        system: PolicySystem,
        metrics: "Metrics",
        *,
        kept_seconds: float,
        headers: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._system = system
        self._count = metrics.authorizer_decided
        self._kept_seconds = kept_seconds
        self._headers = frozenset(headers)
        self._clock = clock
        self._kept: dict[_Key, tuple[float, Decision]] = {}
        self._asked: dict[_Key, asyncio.Task[Decision]] = {}
        self._failing = FailingQuestions(clock)

    async def require(self, call: JudgedCall, method: str, resource: Mapping[str, str]) -> None:
        """Refuses what a caller may not do.

        Args:
            call: the call, of whoever it is.
            method: the RPC, by its full name.
            resource: what it is about, by field.

        Raises:
            TwinfrontError: CALLER_NOT_PERMITTED; AUTHORIZER_UNAVAILABLE without a decision.
        """
        headers = self._shown(call) if self._headers else {}
        principal = call.principal
        key = (principal.source, principal.name, method, _short(resource), _hashed(headers) if headers else b"")
        kept = self._kept.get(key)
        if kept is None or kept[0] <= self._clock():
            decision = await self._ask(key, Question(principal, method, resource, headers, call.call_id))
        else:
            decision = kept[1]
        if decision.outcome == "allowed":
            return
        call.cause = decision.cause
        if decision.outcome == "failed":
            raise authorizer_unavailable()
        text = decision.text or f"the policy system refuses {method.rpartition('/')[2]}"
        raise caller_not_permitted(
            f"{principal.name} may not do this: {text}", metadata={"permission": RULES[method].permission or ""}
        )

    async def close(self) -> None:
        """Gives up what is being asked."""
        for task in list(self._asked.values()):
            await end(task)

    def _shown(self, call: JudgedCall) -> dict[str, str]:
        """Gives the metadata that is shown, as HTTP has it: the values of one key with commas between."""
        shown: dict[str, str] = {}
        for name, value in call.metadata:
            if name in self._headers and isinstance(value, str):
                shown[name] = f"{shown[name]},{value}" if name in shown else value
        return shown

    async def _ask(self, key: _Key, question: Question) -> Decision:
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._decided(key, question))
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        # Who asked first may be gone before the others have their answer.
        return await asyncio.shield(task)

    async def _decided(self, key: _Key, question: Question) -> Decision:
        asked, caller = self._clock(), (question.principal.source, question.principal.name)
        if self._failing.may_ask(caller):
            decision = await self._system.decide(question)
            (self._failing.failed if decision.outcome == "failed" else self._failing.answered)(caller)
        else:
            decision = _GIVEN_UP
        self._count(decision.outcome)
        if decision.outcome != "failed" and self._kept_seconds > 0:
            self._kept.pop(key, None)
            while len(self._kept) >= MAX_DECISIONS:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = asked + self._kept_seconds, decision
        return decision


def _short(fields: Mapping[str, str]) -> Hashable:
    """Gives what stands for fields, however long they are."""
    return _hashed(fields) if any(len(value) > _LONG for value in fields.values()) else tuple(fields.items())


def _hashed(fields: Mapping[str, str]) -> bytes:
    return sha256(repr(sorted(fields.items())).encode(errors="surrogatepass")).digest()
