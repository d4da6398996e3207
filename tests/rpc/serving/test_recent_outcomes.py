"""A write that is repeated under its `request_id` is answered with the outcome of the first."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.value_pb2 import ObjectValue, Value
from twinfront_server.access.principal import Principal
from twinfront_server.errors import TwinfrontError
from twinfront_server.outcomes.outcome import KEPT_SECONDS
from twinfront_server.reasons import Reason
from twinfront_server.settings import Settings

from ...clock import Clock
from .echo import eventually
from .scripted import FINAL, NOTHING_DONE, PATIENCE, SECONDS, Answer, ScriptedServer, abandon, answer_of, begin


@pytest.fixture
def limits() -> dict[str, Any]:
    return {}


@pytest.fixture
async def server(settings: Settings, limits: dict[str, Any]) -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(settings, limits) as server:
        yield server


async def test_a_repeated_write_is_not_done_again(server: ScriptedServer):
    first = await server.call("id")
    again = await server.call("id")
    assert (again.etag, len(server.servicer.runs)) == (first.etag, 1)


async def test_the_answer_says_that_it_is_a_replay(server: ScriptedServer):
    assert not (await server.call("id")).replayed
    assert (await server.call("id")).replayed
    assert server.replays() == 1
    assert ["replayed" in line for line in server.events("rpc")] == [False, True]


async def test_the_figures_are_those_of_the_call_and_not_of_the_first(server: ScriptedServer):
    first, again = await server.call("id"), await server.call("id")
    assert [answer.trailers["twinfront-upstream-attempts"] for answer in (first, again)] == ["1", "0"]
    assert first.trailers["twinfront-call-id"] != again.trailers["twinfront-call-id"]


async def test_writes_without_an_id_have_nothing_to_do_with_each_other(server: ScriptedServer):
    assert [(await server.call("")).etag for _ in range(2)] == ["run 1", "run 2"]


async def test_writes_with_other_ids_are_other_writes(server: ScriptedServer):
    assert [(await server.call(request_id)).etag for request_id in ("a", "b", "A")] == ["run 1", "run 2", "run 3"]


async def test_the_same_id_for_another_request_is_refused(server: ScriptedServer):
    await server.call("id", digital_twin_id="a")
    call = server.start("id", digital_twin_id="b")
    answer = await answer_of(call)
    assert answer.reason == "INVALID_ARGUMENT"
    assert "request_id" in await call.details()
    assert len(server.servicer.runs) == 1


async def test_the_order_in_which_a_map_was_sent_is_no_difference(server: ScriptedServer):
    def operation(names: list[str]) -> JsonPatchOperation:
        fields = {name: Value(int_value=1) for name in names}
        return JsonPatchOperation(value=Value(object_value=ObjectValue(fields=fields)))

    names = [f"property{number}" for number in range(20)]
    await server.call("id", patch=[operation(names)])
    assert (await server.call("id", patch=[operation(names[::-1])])).replayed


class TestCallers:
    @pytest.fixture
    async def server(self, settings: Settings) -> AsyncIterator[ScriptedServer]:
        async with ScriptedServer(settings, authenticator=NamedCallers()) as server:
            yield server

    async def test_an_id_of_another_caller_is_another_id(self, server: ScriptedServer):
        answers = [await server.call("id", caller=caller) for caller in ("jwt ann", "jwt bob", "jwt ann")]
        assert [answer.etag for answer in answers] == ["run 1", "run 2", "run 1"]
        assert [answer.replayed for answer in answers] == [False, False, True]

    async def test_another_callers_request_under_the_id_is_none_of_ones_business(self, server: ScriptedServer):
        assert (await server.call("id", caller="jwt ann", digital_twin_id="a")).etag == "run 1a"
        assert (await server.call("id", caller="jwt bob", digital_twin_id="b")).etag == "run 2b"

    async def test_a_name_is_another_callers_if_it_became_known_otherwise(self, server: ScriptedServer):
        assert [(await server.call("id", caller=caller)).replayed for caller in ("jwt ann", "mtls ann")] == [False] * 2

    async def test_a_caller_does_not_wait_for_the_write_of_another(self, server: ScriptedServer):
        held = await begin(server, "id", caller="jwt ann")
        server.servicer.gate.set()
        assert (await server.call("id", caller="jwt bob")).etag == "run 2"
        await held


class TestOneCallerAndOthers:
    @pytest.fixture
    async def server(self, settings: Settings, limits: dict[str, Any]) -> AsyncIterator[ScriptedServer]:
        async with ScriptedServer(settings, limits, authenticator=NamedCallers()) as server:
            yield server

    @pytest.mark.parametrize("limits", [{"max_outcomes": 10}])
    async def test_a_flood_of_ids_pushes_out_the_floods_own_outcomes_alone(self, server: ScriptedServer):
        await server.call("id", caller="jwt quiet")
        for number in range(30):
            await server.call(f"{number}", caller="jwt loud")
        assert (await server.call("id", caller="jwt quiet")).replayed
        assert [(await server.call(f"{number}", caller="jwt loud")).replayed for number in (29, 0)] == [True, False]
        assert len(server.outcomes.kept) == 10

    @pytest.mark.parametrize("limits", [{"max_bytes": 10_000}])
    async def test_large_outcomes_push_out_those_of_their_own_caller_alone(self, server: ScriptedServer):
        await server.call("id", caller="jwt quiet")
        for number in range(10):
            await server.call(f"{number}", caller="jwt loud", digital_twin_id="x" * 4000)
        assert (await server.call("id", caller="jwt quiet")).replayed

    @pytest.mark.parametrize("limits", [{"max_orphans": 3}])
    async def test_a_flood_of_lost_callers_has_its_own_writes_given_up_alone(self, server: ScriptedServer):
        await abandon(await begin(server, "id", caller="jwt quiet"))
        for number in range(5):
            await abandon(await begin(server, f"{number}", caller="jwt loud"))
        await eventually(lambda: server.servicer.ended == 3)
        server.servicer.gate.set()
        await server.outcomes.idle()
        assert (await server.call("id", caller="jwt quiet")).etag == "run 1"
        assert (await server.call("0", caller="jwt loud")).reason == "OUTCOME_UNKNOWN"


class NamedCallers:
    """Believes callers who they say they are."""

    def known(self, _metadata: Any) -> None:
        """Asks everybody each time."""

    async def authenticate(self, metadata: Any, _context: Any) -> Principal:
        source, name = dict(metadata)["caller"].split()
        return Principal(name, source, frozenset({"writer"}))

    async def refuse(self, _headers: Any) -> None:
        """Believes all."""


@pytest.mark.parametrize("request_id", ["x" * 129, "a\nb", "\x00", "\x85"])
@pytest.mark.parametrize("validate_only", [False, True])
async def test_an_id_is_short_and_without_control_characters(
    server: ScriptedServer, request_id: str, validate_only: bool
):
    call = server.start(request_id, validate_only=validate_only)
    assert (await answer_of(call)).reason == "INVALID_ARGUMENT"
    assert "request_id" in await call.details()
    assert not server.servicer.runs


@pytest.mark.parametrize("request_id", ["x" * 128, "ü" * 128, " ", "0e6c7e4e-8a3c-4ee8-94cd-1f1a3f6c2c79"])
async def test_any_other_id_is_taken(server: ScriptedServer, request_id: str):
    assert (await server.call(request_id)).etag == (await server.call(request_id)).etag == "run 1"


@pytest.mark.parametrize("reason", FINAL)
async def test_an_error_is_kept_as_an_outcome(server: ScriptedServer, reason: Reason):
    server.servicer.failures.append(TwinfrontError(reason, "No.", metadata={"digital_twin_id": "room"}))
    first, again = [await server.call("id") for _ in range(2)]
    assert [first.reason, again.reason] == [reason, reason]
    assert first.trailers["grpc-status-details-bin"] == again.trailers["grpc-status-details-bin"]
    assert again.replayed
    assert len(server.servicer.runs) == 1


@pytest.mark.parametrize("reason", NOTHING_DONE)
async def test_an_error_after_which_nothing_was_done_is_no_outcome(server: ScriptedServer, reason: Reason):
    server.servicer.failures.append(TwinfrontError(reason, "Not now."))
    assert (await server.call("id")).reason == reason
    assert (await server.call("id")).etag == "run 2"


async def test_a_fault_is_an_outcome_since_the_write_may_have_been_done(server: ScriptedServer):
    server.servicer.failures.append(ValueError("secret"))
    assert [(await server.call("id")).reason for _ in range(2)] == ["INTERNAL", "INTERNAL"]
    assert len(server.servicer.runs) == 1
    [fault] = server.events("unexpected exception")
    assert fault["exc_info"]


async def test_dry_runs_are_not_kept(server: ScriptedServer):
    for _ in range(2):
        assert not (await server.call("id", validate_only=True)).replayed
    assert (await server.call("id")).etag == "run 3"
    assert (await server.call("id")).replayed
    assert ["validate_only" in line for line in server.events("rpc")] == [True, True, False, False]


class TestAtTheSameTime:
    async def test_a_duplicate_waits_for_the_first(self, server: ScriptedServer):
        first = await begin(server, "id")
        duplicates = [server.start("id") for _ in range(5)]
        await eventually(lambda: server.replays() == 5)
        server.servicer.gate.set()
        answers = [await answer_of(call) for call in (first, *duplicates)]
        assert {answer.etag for answer in answers} == {"run 1"}
        assert [answer.replayed for answer in answers] == [False, True, True, True, True, True]

    async def test_a_duplicate_gets_the_first_ones_error_even_if_that_is_not_kept(self, server: ScriptedServer):
        server.servicer.failures.append(TwinfrontError(Reason.UPSTREAM_UNAVAILABLE, "Not now."))
        first = await begin(server, "id")
        duplicate = server.start("id")
        await eventually(lambda: server.replays() == 1)
        server.servicer.gate.set()
        assert [(await answer_of(call)).reason for call in (first, duplicate)] == ["UPSTREAM_UNAVAILABLE"] * 2

    async def test_another_request_under_the_id_is_refused_at_once(self, server: ScriptedServer):
        first = await begin(server, "id", digital_twin_id="a")
        assert (await server.call("id", digital_twin_id="b")).reason == "INVALID_ARGUMENT"
        server.servicer.gate.set()
        await first

    async def test_the_duplicates_own_deadline_holds(self, server: ScriptedServer, clock: Clock):
        first = await begin(server, "id")
        duplicate = server.start("id", timeout=SECONDS / 2)
        await eventually(lambda: server.replays() == 1)
        await clock.advance(SECONDS / 2)
        assert (await answer_of(duplicate)).reason == "DEADLINE_EXCEEDED"
        server.servicer.gate.set()
        assert (await first).etag == "run 1"


class TestWhenTheCallerIsGone:
    async def test_the_write_goes_on_and_is_known_when_the_caller_comes_back(self, server: ScriptedServer):
        await abandon(await begin(server, "id"))
        back = server.start("id")
        await eventually(lambda: server.replays() == 1)
        server.servicer.gate.set()
        answer = await answer_of(back)
        assert (answer.etag, answer.replayed, len(server.servicer.runs)) == ("run 1", True, 1)

    async def test_a_caller_may_come_back_when_its_write_is_over(self, server: ScriptedServer):
        await abandon(await begin(server, "id"))
        await eventually(lambda: server.outcomes._orphans)
        server.servicer.gate.set()
        await server.outcomes.idle()
        assert (await server.call("id")).etag == "run 1"
        [line] = server.events("a write ended without its caller")
        assert (line["reason"], line["upstream_attempts"]) == ("", 1)
        assert line["method"] == "twinfront.v1.DigitalTwinService/UpdateDigitalTwin"

    async def test_the_deadline_of_a_lost_caller_does_not_end_its_write(self, server: ScriptedServer, clock: Clock):
        call = await begin(server, "id")
        await clock.advance(SECONDS)
        assert (await answer_of(call)).reason == "DEADLINE_EXCEEDED"
        remaining = server.servicer.runs[0].remaining()
        assert remaining is not None
        assert remaining > 30
        server.servicer.gate.set()
        assert (await server.call("id")).etag == "run 1"

    async def test_the_call_of_a_lost_caller_is_accounted_for_as_it_ended(self, server: ScriptedServer):
        await abandon(await begin(server, "id"))
        await eventually(lambda: server.events("rpc"))
        [line] = server.events("rpc")
        assert (line["code"], line["upstream_attempts"]) == ("CANCELLED", 1)

    async def test_a_write_without_an_id_is_cancelled(self, server: ScriptedServer):
        await abandon(await begin(server, ""))
        await eventually(lambda: server.servicer.ended)
        server.servicer.gate.set()
        assert (await server.call("")).etag == "run 2"

    async def test_a_duplicate_that_leaves_takes_nothing_with_it(self, server: ScriptedServer):
        first = await begin(server, "id")
        duplicate = server.start("id")
        await eventually(lambda: server.replays() == 1)
        await abandon(duplicate)
        server.servicer.gate.set()
        assert (await answer_of(first)).etag == "run 1"

    async def test_a_write_that_does_not_end_has_an_unknown_outcome(self, server: ScriptedServer, clock: Clock):
        call = await begin(server, "id")
        await clock.advance(SECONDS)
        assert (await answer_of(call)).reason == "DEADLINE_EXCEEDED"
        await clock.advance(PATIENCE)
        await server.outcomes.idle()
        server.servicer.gate.set()
        again = await server.call("id")
        assert (again.reason, again.trailers["grpc-retry-pushback-ms"]) == ("OUTCOME_UNKNOWN", "-1")
        assert len(server.servicer.runs) == 1

    @pytest.mark.parametrize("limits", [{"max_orphans": 2}])
    async def test_only_so_many_writes_go_on_alone_and_the_oldest_is_given_up(self, server: ScriptedServer):
        for number, name in enumerate("abc", 1):
            await abandon(await begin(server, name))
            await eventually(lambda number=number: len(server.events("rpc")) == number)
        await eventually(lambda: server.servicer.ended)
        server.servicer.gate.set()
        assert [await summary(server, name) for name in "abc"] == ["OUTCOME_UNKNOWN", "run 2", "run 3"]
        assert len(server.servicer.runs) == 3

    async def test_a_write_whose_caller_came_back_is_not_given_up(self, server: ScriptedServer):
        await abandon(await begin(server, "id"))
        await eventually(lambda: server.outcomes._orphans)
        back = server.start("id")
        await eventually(lambda: server.replays() == 1)
        assert not server.outcomes._orphans
        server.servicer.gate.set()
        await back

    async def test_a_write_of_a_lost_caller_leaves_nothing_behind(self, server: ScriptedServer):
        await server.call("warm up")
        before = len(asyncio.all_tasks())
        await abandon(await begin(server, "id"))
        server.servicer.gate.set()
        await eventually(lambda: len(asyncio.all_tasks()) <= before)
        assert not server.outcomes._running
        assert not server.outcomes._orphans


class TestHowLongOutcomesAreKept:
    async def test_an_outcome_is_kept_for_ten_minutes(self, server: ScriptedServer):
        await server.call("id")
        server.now = KEPT_SECONDS - 1
        assert (await server.call("id")).etag == "run 1"
        server.now = KEPT_SECONDS
        assert (await server.call("id")).etag == "run 2"
        assert KEPT_SECONDS == 600

    async def test_being_asked_for_does_not_make_an_outcome_younger(self, server: ScriptedServer):
        await server.call("id")
        server.now = KEPT_SECONDS - 1
        await server.call("id")
        server.now = KEPT_SECONDS + 1
        assert not (await server.call("id")).replayed

    async def test_outcomes_that_have_expired_take_no_memory(self, server: ScriptedServer):
        for number in range(3):
            await server.call(f"{number}")
        server.now = KEPT_SECONDS
        await server.call("another")
        assert len(server.outcomes.kept) == 1
        assert server.outcomes.kept.bytes < 1024

    @pytest.mark.parametrize("limits", [{"max_outcomes": 2}])
    async def test_no_more_than_so_many_outcomes_are_kept(self, server: ScriptedServer):
        for name in "abc":
            await server.call(name)
        assert [await summary(server, name) for name in "bca"] == ["run 2", "run 3", "run 4"]

    @pytest.mark.parametrize("limits", [{"max_bytes": 3000}])
    async def test_kept_outcomes_are_no_larger_than_so_much_together(self, server: ScriptedServer):
        await server.call("large", digital_twin_id="x" * 2000)
        await server.call("small")
        assert (await server.call("large", digital_twin_id="x" * 2000)).etag.startswith("run 3")
        assert server.outcomes.kept.bytes <= 3000

    @pytest.mark.parametrize("limits", [{"max_bytes": 3000}])
    async def test_errors_count_with_the_memory_that_they_take(self, server: ScriptedServer):
        for name in "abc":
            server.servicer.failures.append(TwinfrontError(Reason.TWIN_NOT_FOUND, "No."))
            await server.call(name)
        assert 2000 < server.outcomes.kept.bytes <= 3000
        assert [(await server.call(name)).replayed for name in "ca"] == [True, False]

    @pytest.mark.parametrize("limits", [{"max_bytes": 3000}])
    async def test_an_outcome_that_is_larger_than_all_may_be_is_not_kept(self, server: ScriptedServer):
        for _ in range(2):
            assert not (await server.call("large", digital_twin_id="x" * 4000)).replayed
        assert server.outcomes.kept.bytes == 0


async def summary(server: ScriptedServer, request_id: str) -> str:
    answer: Answer = await server.call(request_id)
    return answer.etag or answer.reason
