"""Decisions of a policy system: how long and how many are kept, what it is shown, and what a refusal says."""

from collections.abc import Callable, Mapping

import pytest
from prometheus_client import CollectorRegistry

from twinfront_server.access.authorizer import MAX_DECISIONS, Authorizer, Decision, Question
from twinfront_server.access.failing_questions import GIVEN_UP_AFTER
from twinfront_server.access.principal import Principal
from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError
from twinfront_server.metrics import Metrics

GET, DELETE = (f"twinfront.v1.DigitalTwinService/{name}DigitalTwin" for name in ("Get", "Delete"))
ALICE, OTTO = Principal("alice", "jwt"), Principal("otto", "jwt")


class System:
    """A policy system that says what the test says, and keeps what it was asked."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[Question] = []

    async def decide(self, question: Question) -> Decision:
        self.asked.append(question)
        return self.decision


class Asking:
    """An authorizer before such a system, by a clock that stands still."""

    def __init__(self, *, kept_seconds: float = 10.0, headers: tuple[str, ...] = ()) -> None:
        self.now = 100.0
        self.system = System(Decision("allowed"))
        self.registry = CollectorRegistry()
        self.authorizer = Authorizer(
            self.system,
            Metrics(self.registry),
            kept_seconds=kept_seconds,
            headers=headers,
            clock=lambda: self.now,
        )

    async def ask(
        self,
        resource: Mapping[str, str],
        *,
        principal: Principal = ALICE,
        method: str = GET,
        metadata: tuple[tuple[str, str | bytes], ...] = (),
    ) -> Call:
        call = Call("call-1", method, None, principal=principal, metadata=metadata)
        await self.authorizer.require(call, method, resource)
        return call

    async def refusal(self, resource: Mapping[str, str]) -> tuple[TwinfrontError, str]:
        call = Call("call-1", GET, None, principal=ALICE)
        with pytest.raises(TwinfrontError) as caught:
            await self.authorizer.require(call, GET, resource)
        return caught.value, call.cause

    def counted(self, outcome: str) -> float:
        return self.registry.get_sample_value("twinfront_authorizer_decisions_total", {"outcome": outcome}) or 0.0


async def test_a_question_has_what_a_policy_may_go_by():
    asking = Asking()
    await asking.ask({"digital_twin_id": "room"}, metadata=(("tenant", "a"),))
    assert asking.system.asked == [Question(ALICE, GET, {"digital_twin_id": "room"}, {}, "call-1")]
    assert asking.counted("allowed") == 1


@pytest.mark.parametrize(("seconds", "asked"), [(9.9, 1), (10.0, 2)])
async def test_a_decision_is_good_for_as_long_as_it_is_kept(seconds: float, asked: int):
    asking = Asking()
    await asking.ask({"digital_twin_id": "room"})
    asking.now += seconds
    await asking.ask({"digital_twin_id": "room"})
    assert len(asking.system.asked) == asked


async def test_without_a_time_to_keep_them_every_call_is_asked_about():
    asking = Asking(kept_seconds=0.0)
    for _ in range(3):
        await asking.ask({"digital_twin_id": "room"})
    assert len(asking.system.asked) == 3


@pytest.mark.parametrize(
    "other",
    [
        lambda asking: asking.ask({"digital_twin_id": "hall"}),
        lambda asking: asking.ask({"model_id": "room"}),
        lambda asking: asking.ask({"digital_twin_id": "x" * 300}),
        lambda asking: asking.ask({"digital_twin_id": "room"}, principal=OTTO),
        lambda asking: asking.ask({"digital_twin_id": "room"}, principal=Principal("alice", "mtls")),
        lambda asking: asking.ask({"digital_twin_id": "room"}, method=DELETE),
    ],
    ids=["id", "field", "long-id", "caller", "source", "method"],
)
async def test_another_question_has_a_decision_of_its_own(other: Callable[[Asking], object]):
    asking = Asking()
    await asking.ask({"digital_twin_id": "room"})
    await other(asking)  # type: ignore[misc]  # an awaitable
    assert len(asking.system.asked) == 2


@pytest.mark.parametrize("length", [256, 257])
async def test_long_ids_are_told_apart_and_known_again(length: int):
    asking = Asking()
    for end in ("a", "b", "a", "b"):
        await asking.ask({"digital_twin_id": "x" * (length - 1) + end})
    assert len(asking.system.asked) == 2


async def test_the_oldest_of_too_many_decisions_is_asked_about_again():
    asking = Asking()
    for number in range(MAX_DECISIONS - 1):
        await asking.ask({"digital_twin_id": str(number)})
    asking.now += 10
    await asking.ask({"digital_twin_id": "0"})  # which is the youngest by now
    for name in ("one more", "another"):
        await asking.ask({"digital_twin_id": name})
    asked = len(asking.system.asked)
    for name in ("0", "one more", "another"):
        await asking.ask({"digital_twin_id": name})
    assert len(asking.system.asked) == asked


async def test_a_refusal_says_what_the_policy_system_says():
    asking = Asking()
    asking.system.decision = Decision("denied", "only on Mondays", "rule 7")
    error, cause = await asking.refusal({"digital_twin_id": "room"})
    assert (error.reason, error.message, cause) == (
        "CALLER_NOT_PERMITTED",
        "alice may not do this: only on Mondays",
        "rule 7",
    )
    assert error.metadata == {"permission": "twins.read"}
    assert asking.counted("denied") == 1


async def test_a_refusal_without_a_text_names_the_rpc():
    asking = Asking()
    asking.system.decision = Decision("denied")
    error, _ = await asking.refusal({"digital_twin_id": "room"})
    assert error.message == "alice may not do this: the policy system refuses GetDigitalTwin"


async def test_a_question_without_a_decision_is_asked_again():
    asking = Asking()
    asking.system.decision = Decision("failed", cause="it is down")
    for _ in range(2):
        error, cause = await asking.refusal({"digital_twin_id": "room"})
        assert (error.reason, cause) == ("AUTHORIZER_UNAVAILABLE", "it is down")
    assert (len(asking.system.asked), asking.counted("failed")) == (2, 2)


async def test_a_policy_system_that_fails_time_and_again_is_given_up_for_a_moment():
    asking = Asking()
    asking.system.decision = Decision("failed")
    for _ in range(GIVEN_UP_AFTER + 2):
        _, cause = await asking.refusal({"digital_twin_id": "room"})
    assert len(asking.system.asked) == GIVEN_UP_AFTER + 1
    assert cause.startswith("the authorizer was not asked")
    asking.system.decision = Decision("allowed")
    asking.now += 60
    for _ in range(3):
        await asking.ask({"digital_twin_id": "room"})
    assert len(asking.system.asked) == GIVEN_UP_AFTER + 2


async def test_the_metadata_that_is_shown_is_that_of_the_settings_with_commas_between_values():
    asking = Asking(headers=("tenant", "data-bin"))
    metadata = (("tenant", "a"), ("other", "b"), ("tenant", "c"), ("data-bin", b"\x00"))
    await asking.ask({"digital_twin_id": "room"}, metadata=metadata)
    assert asking.system.asked[0].headers == {"tenant": "a,c"}
    await asking.ask({"digital_twin_id": "room"}, metadata=(("tenant", "a"),))
    assert len(asking.system.asked) == 2
    await asking.ask({"digital_twin_id": "room"}, metadata=(*metadata, ("other", "d")))
    assert len(asking.system.asked) == 2
