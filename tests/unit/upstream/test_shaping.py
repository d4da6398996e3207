"""The turns of writes: at which rates they come, which are refused for them, and what a 429 does."""

import asyncio
from collections.abc import Callable

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from prometheus_client import CollectorRegistry

from twinfront_server.adt.body import Body
from twinfront_server.call import Call, enter_call
from twinfront_server.errors import TwinfrontError, upstream_throttled
from twinfront_server.metrics import Metrics
from twinfront_server.settings import Settings
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream import shaping
from twinfront_server.upstream.operation import Asked, Operation
from twinfront_server.upstream.shaping import WriteShaper

from ...clock import Clock


@pytest.fixture(autouse=True)
async def clock(clock: Clock) -> Clock:
    clock.stand_still()
    return clock


BURST = 5
"""Writes to one twin that need not wait for their turn."""


class Writes:
    """Writes that wait for their turn, each on behalf of a call of its own."""

    def __init__(self, **settings: float) -> None:
        self.registry = CollectorRegistry()
        self.shaper = WriteShaper(Settings.of(settings), Metrics(self.registry))
        self.begun: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(
        self,
        *twins: str,
        operation: Operation = operations.PATCH_DIGITAL_TWIN,
        target: str = "",
        caller: str = "a",
        within: float | None = None,
        give_place_back: Callable[[], None] = lambda: None,
    ) -> None:
        now = asyncio.get_running_loop().time()
        for twin in twins:
            call = Call(
                "", "", None if within is None else now + within, caller=caller, give_place_back=give_place_back
            )
            ids = {"digital_twin_id": twin, **({"target_id": target} if target else {})}
            self.tasks.append(asyncio.create_task(self._write(Asked(operation, ids, Body(b"", "")), call)))
        await asyncio.sleep(0)

    async def _write(self, asked: Asked, call: Call) -> None:
        enter_call(call)
        await self.shaper.turn(asked)
        self.begun.append(asked.ids["digital_twin_id"])

    @property
    def errors(self) -> list[TwinfrontError]:
        """What those are refused with that are."""
        return [
            error
            for task in self.tasks
            if task.done() and not task.cancelled() and isinstance(error := task.exception(), TwinfrontError)
        ]

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    @property
    def is_empty(self) -> bool:
        shaper = self.shaper
        lines = (shaper._twins, *(step.lines for step in shaper._instance.values()))
        return not (any(each._lines for each in lines) or shaper._waiting or shaper._count)


def retry_delay(error: TwinfrontError) -> float:
    [info] = [detail for detail in error.details if isinstance(detail, RetryInfo)]
    delay: float = info.retry_delay.ToTimedelta().total_seconds()
    assert error.pushback_ms == pytest.approx(delay * 1000, abs=1)
    return delay


@pytest.mark.parametrize(
    "operation",
    [
        operations.PUT_DIGITAL_TWIN,
        operations.PATCH_DIGITAL_TWIN,
        operations.DELETE_DIGITAL_TWIN,
        operations.PATCH_COMPONENT,
        operations.PUT_RELATIONSHIP,
        operations.PATCH_RELATIONSHIP,
        operations.DELETE_RELATIONSHIP,
    ],
    ids=lambda operation: operation.name,
)
async def test_one_twin_is_written_to_ten_times_a_second(clock: Clock, operation: Operation):
    writes = Writes()
    await writes.come(*["room"] * 26, operation=operation)
    assert len(writes.begun) == BURST
    await clock.advance(1.05)
    assert len(writes.begun) == BURST + 10
    await clock.advance(1.1)
    assert len(writes.begun) == 26
    assert writes.is_empty


@pytest.mark.parametrize(
    "operation",
    [operations.POST_MODELS, operations.PUBLISH_TELEMETRY, operations.PUT_EVENT_ROUTE, operations.PUT_IMPORT_JOB],
    ids=lambda operation: operation.name,
)
async def test_what_has_no_known_rate_does_not_wait(operation: Operation):
    writes = Writes()
    await writes.come(*["room"] * 3000, operation=operation)
    assert len(writes.begun) == 3000


async def test_twins_do_not_wait_for_each_other():
    writes = Writes()
    await writes.come(*["hot"] * 100, *["cold"] * BURST, "cool")
    assert writes.begun == ["hot"] * BURST + ["cold"] * BURST + ["cool"]


@pytest.mark.parametrize(
    ("operation", "rate"), [(operations.PATCH_DIGITAL_TWIN, 1000), (operations.PUT_DIGITAL_TWIN, 500)]
)
async def test_the_instance_is_written_to_at_its_rate(clock: Clock, operation: Operation, rate: int):
    writes = Writes()
    await writes.come(*[str(number) for number in range(2 * rate)], operation=operation)
    assert len(writes.begun) == rate / 2
    await clock.advance(1.0)
    assert len(writes.begun) == 1.5 * rate
    await clock.advance(1.0)
    assert writes.begun == [str(number) for number in range(2 * rate)]


async def test_patches_and_creations_do_not_wait_for_each_other():
    writes = Writes(patch_rate=2, create_delete_rate=2)
    await writes.come("a", "b", "c")
    await writes.come("d", "e", operation=operations.PUT_DIGITAL_TWIN)
    assert writes.begun == ["a", "d"]


async def test_callers_take_turns_at_the_instance(clock: Clock):
    writes = Writes(patch_rate=10)
    await writes.come(*[f"a{number}" for number in range(200)])
    await writes.come("b", caller="b")
    await clock.advance(0.3)
    assert "b" in writes.begun
    assert len(writes.begun) <= BURST + 3


async def test_a_relationship_counts_towards_both_of_its_ends(clock: Clock):
    writes = Writes()
    for number in range(20):
        await writes.come(f"sensor{number}", operation=operations.PUT_RELATIONSHIP, target="hub")
    assert len(writes.begun) == BURST
    await writes.come("hub", within=1.0)
    assert [error.reason for error in writes.errors] == ["UPSTREAM_THROTTLED"]
    await clock.advance(1.6)
    assert len(writes.begun) == 20


async def test_a_write_that_has_to_wait_at_one_end_has_taken_nothing_at_the_other():
    writes = Writes()
    await writes.come(*["busy"] * BURST)
    asked = Asked(operations.PUT_RELATIONSHIP, {"digital_twin_id": "free", "target_id": "busy"}, Body(b"", ""))
    assert [writes.shaper.turn_at_once(asked) for _ in range(BURST + 1)] == [False] * (BURST + 1)
    await writes.come(*["free"] * BURST)
    assert writes.begun == ["busy"] * BURST + ["free"] * BURST


async def test_a_relationship_of_a_twin_to_itself_counts_once():
    writes = Writes()
    await writes.come(*["room"] * BURST, operation=operations.PUT_RELATIONSHIP, target="room")
    assert len(writes.begun) == BURST


async def test_a_target_of_any_length_is_known_by_its_beginning():
    writes = Writes()
    await writes.come(*"abcdefg", operation=operations.PUT_RELATIONSHIP, target="x" * 4_000_000)
    assert len(writes.begun) == BURST
    assert max(len(key) for key in writes.shaper._twins._buckets._buckets) == 128  # type: ignore[arg-type]  # keys are ids


@pytest.mark.parametrize("within", [0.001, 0.1, 0.24])
async def test_a_write_whose_turn_is_after_its_deadline_is_refused_at_once(within: float):
    writes = Writes()
    await writes.come(*["room"] * (BURST + 1))
    await writes.come("room", within=within)
    [error] = writes.errors
    assert error.reason == "UPSTREAM_THROTTLED"
    assert error.metadata == {"digital_twin_id": "room"}
    assert "digitaltwins/room" in error.message
    assert "--twin-write-rate" in error.message
    assert "Nothing was done" in error.message
    assert retry_delay(error) == pytest.approx(0.2, abs=0.02)
    assert writes.value("twinfront_held_back_writes_total", limit="twin_write_rate") == 1
    assert len(writes.begun) == BURST


async def test_a_write_with_time_enough_waits(clock: Clock):
    writes = Writes()
    await writes.come(*["room"] * (BURST + 1))
    await writes.come("room", within=0.5)
    await clock.advance(0.25)
    assert len(writes.begun) == BURST + 2
    assert not writes.errors


@pytest.mark.parametrize("within", [0.001, 0.01])
async def test_the_shortest_deadline_is_no_reason_to_refuse_a_write_that_need_not_wait(within: float):
    writes = Writes()
    await writes.come("room", within=within)
    assert writes.begun == ["room"]


async def test_a_refusal_of_the_instance_names_its_rate():
    writes = Writes(patch_rate=1)
    await writes.come("a", "b", "c", within=1.5)
    [error] = writes.errors
    assert "--patch-rate" in error.message
    assert "digitaltwins/" not in error.message
    assert writes.value("twinfront_held_back_writes_total", limit="patch_rate") == 1


async def test_without_a_deadline_a_write_waits_for_a_minute_at_the_most(clock: Clock):
    writes = Writes()
    await writes.come(*["room"] * 700)
    assert len(writes.errors) == 700 - BURST - 600
    await clock.advance(60.5)
    assert BURST + 599 <= len(writes.begun) <= BURST + 600
    assert writes.is_empty


async def test_ten_thousand_writes_to_one_twin_are_refused_but_for_a_minutes_worth(clock: Clock):
    writes = Writes()
    await writes.come(*["room"] * 10_000, within=30.0)
    assert len(writes.errors) == 10_000 - BURST - 298
    assert max(map(retry_delay, writes.errors)) < 30.0
    await clock.advance(30.0)
    assert len(writes.begun) + len(writes.errors) == 10_000
    assert writes.is_empty


async def test_ten_thousand_twins_once_each_are_written_at_the_rate_of_the_instance(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shaping, "MAX_WAITING", 20_000)
    writes = Writes()
    await writes.come(*[str(number) for number in range(10_000)])
    assert writes.value("twinfront_waiting_writes") == 9500
    await clock.advance(9.5)
    assert writes.begun == [str(number) for number in range(10_000)]
    assert writes.is_empty


async def test_twins_are_remembered_within_bounds():
    writes = Writes(patch_rate=0)
    await writes.come(*[str(number) for number in range(20_000)])
    assert len(writes.begun) == 20_000
    assert len(writes.shaper._twins._buckets._buckets) == 10_000


async def test_no_caller_has_more_waiting_than_are_left_for_others(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shaping, "MAX_WAITING", 10)
    writes = Writes()
    await writes.come(*["room"] * (BURST + 8))
    assert len(writes.errors) == 3
    assert all(error.reason == "UPSTREAM_THROTTLED" and "of this caller" in error.message for error in writes.errors)
    assert writes.value("twinfront_held_back_writes_total", limit="waiting_writes") == 3
    await writes.come("room", caller="b")
    assert len(writes.errors) == 3
    await clock.advance(2.0)
    assert len(writes.begun) == BURST + 6
    assert writes.is_empty


async def test_a_storm_of_cancelled_writes_leaves_nothing_behind(clock: Clock):
    writes = Writes()
    await writes.come(*["room"] * 500, within=120.0)
    for task in writes.tasks[BURST:]:
        task.cancel()
    await asyncio.sleep(0)
    assert writes.is_empty
    await writes.come("room", within=0.3)
    await clock.advance(0.15)
    assert len(writes.begun) == BURST + 1


async def test_how_many_wait_and_for_how_long_is_measured(clock: Clock):
    writes = Writes()
    await writes.come(*["room"] * (BURST + 2))
    assert writes.value("twinfront_waiting_writes") == 2
    await clock.advance(0.3)
    assert writes.value("twinfront_waiting_writes") == 0
    assert writes.value("twinfront_write_waiting_seconds_count") == 2
    assert writes.value("twinfront_write_waiting_seconds_sum") == pytest.approx(0.3, abs=0.05)


async def test_a_write_that_waits_for_its_twin_lets_other_calls_have_its_place():
    writes, given = Writes(), []
    await writes.come(*["room"] * (BURST + 2), give_place_back=lambda: given.append("place"))
    assert len(given) == 2


async def test_a_write_that_waits_for_the_instance_keeps_its_place():
    writes, given = Writes(patch_rate=1), []
    await writes.come("a", "b", "c", give_place_back=lambda: given.append("place"))
    assert writes.value("twinfront_waiting_writes") == 2
    assert not given


def throttled(seconds: float, twin: str = "") -> TwinfrontError:
    error = upstream_throttled("", metadata={}, retry_after=seconds)
    error.throttled_twin = twin
    return error


PATCH = Asked(operations.PATCH_DIGITAL_TWIN, {"digital_twin_id": "room"})


async def test_a_429_of_a_twin_holds_this_one_back_for_as_long_as_it_says(clock: Clock):
    writes = Writes()
    writes.shaper.slow_down(PATCH, throttled(8, "room"))
    await writes.come("room", "hall")
    assert writes.begun == ["hall"]
    await clock.advance(7.9)
    assert writes.begun == ["hall"]
    await clock.advance(0.2)
    assert writes.begun == ["hall", "room"]


async def test_a_429_of_the_other_end_of_a_relationship_holds_that_end_back(clock: Clock):
    writes = Writes()
    deletion = Asked(operations.DELETE_RELATIONSHIP, {"digital_twin_id": "room", "relationship_id": "edge"})
    writes.shaper.slow_down(deletion, throttled(8, "hub"))
    await writes.come("room", "hub")
    assert writes.begun == ["room"]
    await clock.advance(8.1)
    assert writes.begun == ["room", "hub"]


async def test_a_429_of_the_instance_holds_all_writes_of_its_kind_back(clock: Clock):
    writes = Writes()
    writes.shaper.slow_down(PATCH, throttled(5))
    await writes.come("room", "hall")
    await writes.come("new", operation=operations.PUT_DIGITAL_TWIN)
    assert writes.begun == ["new"]
    await clock.advance(5.1)
    assert sorted(writes.begun) == ["hall", "new", "room"]


async def test_a_429_of_what_has_no_known_rate_holds_nothing_back():
    writes = Writes()
    writes.shaper.slow_down(Asked(operations.POST_MODELS, {}), throttled(5))
    await writes.come("room")
    await writes.come("new", operation=operations.PUT_DIGITAL_TWIN)
    assert writes.begun == ["room", "new"]


async def test_a_429_that_asks_for_a_day_holds_writes_back_for_a_minute(clock: Clock):
    writes = Writes()
    writes.shaper.slow_down(PATCH, throttled(86400))
    await clock.advance(59)
    await writes.come("room")
    assert not writes.begun
    await clock.advance(1.1)
    assert writes.begun == ["room"]


async def test_a_write_that_is_held_back_beyond_its_deadline_is_refused_before_that(clock: Clock):
    writes = Writes()
    await writes.come(*["room"] * (BURST + 1), within=1.0)
    writes.shaper.slow_down(PATCH, throttled(8, "room"))
    await clock.advance(0.9)
    [error] = writes.errors
    assert error.reason == "UPSTREAM_THROTTLED"
    assert retry_delay(error) == pytest.approx(7.1, abs=0.2)
    assert writes.is_empty


async def test_when_the_server_stops_what_waits_and_what_comes_to_wait_is_not_begun():
    writes = Writes()
    await writes.come(*["room"] * (BURST + 3))
    writes.shaper.end_waiting()
    await writes.come("room", "hall")
    assert [error.reason for error in writes.errors] == ["SERVER_DRAINING"] * 4
    assert all("was not begun" in error.message for error in writes.errors)
    assert writes.begun == ["room"] * BURST + ["hall"]
    assert writes.is_empty


@pytest.mark.parametrize(
    ("upstream", "shape_writes", "shapes"),
    [
        ("local", "auto", False),
        ("https://127.0.0.1:8443", "auto", False),
        ("https://twins.example.com", "auto", False),
        ("https://digitaltwins.azure.net.example.com", "auto", False),
        ("https://example.api.weu.digitaltwins.azure.net", "auto", True),
        ("https://EXAMPLE.api.weu.DigitalTwins.azure.net:443/", "auto", True),
        ("https://example.api.usgovvirginia.digitaltwins.azure.us", "auto", True),
        ("https://example.api.weu.digitaltwins.azure.net", "off", False),
        ("local", "on", True),
        ("https://127.0.0.1:8443", "on", True),
    ],
)
def test_writes_are_shaped_for_azure_itself_and_where_a_setting_says_so(upstream: str, shape_writes: str, shapes: bool):
    assert Settings.of({"upstream": upstream, "shape_writes": shape_writes}).shapes_writes is shapes


async def test_a_write_whose_turn_at_its_twin_comes_as_all_waiting_ends_does_not_wait_for_the_instance(clock: Clock):
    writes = Writes(twin_write_rate=1, patch_rate=0.1)
    await writes.come("hot", "hot", within=20.0)
    moment = writes.shaper._twins._lines["hot"].timer.when()
    asyncio.get_running_loop().call_at(moment, writes.shaper.end_waiting)
    await clock.advance(1.1)
    assert writes.begun == ["hot"]
    assert [error.reason for error in writes.errors] == ["SERVER_DRAINING"]
    assert writes.is_empty
