"""Writes that wait for their turn rather than exceed the rates of the upstream, whatever RPC they are of."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo

from localtwins.certificate import DevelopmentCertificate
from twinfront.errors import TwinfrontError, from_rpc_error
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_service_pb2 import DigitalTwinWrite
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

from ...clock import Clock
from .building import Building, add, replace
from .graphs import Imported, collect, contains, floor, items, models, room, run_import
from .over_tls import serving_over_tls
from .refusal import refused

RATE = 40.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a server over the embedded service that writes to a twin once a second, after one that need not wait."""
    return Settings(
        listen="127.0.0.1:0",
        metrics_listen="none",
        data_dir=":memory:",
        health_interval=3600.0,
        audit_log=str(tmp_path / "audit.ndjson"),
        shape_writes="on",
        twin_write_rate=1.0,
    )


@pytest.fixture
async def rooms(building: Building, clock: Clock) -> Building:
    """The rooms `hot` and `cold`, which may be written to at once."""
    for name in ("hot", "cold"):
        await building.add_room(name, temperature=1.0)
    await clock.advance(60)
    return building


def update(building: Building, digital_twin_id: str, **options: Any) -> asyncio.Task[str]:
    """A patch that is under way; gives how it ended, `OK` or a reason."""
    timeout = options.pop("timeout", 20)
    request = twins.UpdateDigitalTwinRequest(
        digital_twin_id=digital_twin_id, patch=[replace("/temperature", 2.0)], **options
    )
    return asyncio.create_task(_reason(building.twins.UpdateDigitalTwin(request, timeout=timeout)))


async def _reason(call: Awaitable[object]) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return from_rpc_error(error).reason or error.code().name
    return "OK"


def sample(server: App, name: str, **labels: str) -> float:
    return server.metrics.registry.get_sample_value(name, labels) or 0.0


async def waiting(server: App, count: int) -> None:
    """Waits until so many writes wait for their turn."""
    for _ in range(2000):
        if sample(server, "twinfront_waiting_writes") == count:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{sample(server, 'twinfront_waiting_writes')} writes wait and not {count}")


async def audited(settings: Settings, digital_twin_id: str, least: int) -> int:
    """Counts the writes to a twin in the audit log, which a thread writes: at least so many come sooner or later."""
    while True:
        lines = map(json.loads, Path(settings.audit_log).read_text().splitlines())
        count = sum(line.get("ids", {}).get("digital_twin_id") == digital_twin_id for line in lines)
        if count >= least:
            return count
        await asyncio.sleep(0.005)


async def test_a_write_that_waits_is_carried_out_when_its_turn_comes(rooms: Building, server: App, clock: Clock):
    first, second = update(rooms, "hot"), update(rooms, "hot")
    await waiting(server, 1)
    assert await update(rooms, "cold") == "OK"
    await clock.advance(1.1)
    assert [await first, await second] == ["OK", "OK"]


async def test_a_write_that_would_come_too_late_is_told_when_to_come_back(
    rooms: Building, server: App, settings: Settings
):
    hot = [update(rooms, "hot", timeout=60) for _ in range(3)]
    await waiting(server, 2)
    before = await rooms.read_json("hot")
    request = twins.UpdateDigitalTwinRequest(digital_twin_id="hot", patch=[replace("/temperature", 9.0)])
    error = await refused(rooms.twins.UpdateDigitalTwin(request, timeout=2))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED")
    assert error.metadata["digital_twin_id"] == "hot"
    [info] = [detail for detail in error.details if isinstance(detail, RetryInfo)]
    assert 2 < info.retry_delay.ToTimedelta().total_seconds() <= 3
    assert await rooms.read_json("hot") == before
    assert await audited(settings, "hot", 2) == 2, "its creation, and the one patch that was sent"
    for each in hot:
        each.cancel()
    await waiting(server, 0)


async def test_callers_that_give_up_leave_the_line_and_no_trace_in_the_audit_log(
    rooms: Building, server: App, settings: Settings, clock: Clock
):
    hot = [update(rooms, "hot", timeout=60) for _ in range(41)]
    await waiting(server, 40)
    for each in hot:
        each.cancel()
    await waiting(server, 0)
    last = update(rooms, "hot")
    await waiting(server, 1)
    await clock.advance(1.1)
    assert await last == "OK"
    assert await audited(settings, "hot", 3) == 3, "its creation, the patch that need not wait, and the last one"


async def test_a_deadline_of_a_millisecond_neither_hangs_nor_breaks_anything(rooms: Building, server: App):
    ends = Counter(await asyncio.gather(*(update(rooms, "hot", timeout=0.001) for _ in range(200))))
    assert set(ends) <= {"UPSTREAM_THROTTLED", "DEADLINE_EXCEEDED", "OK"}
    await waiting(server, 0)


async def test_a_dry_run_waits_for_no_turn(rooms: Building, server: App):
    hot = [update(rooms, "hot", timeout=60) for _ in range(3)]
    await waiting(server, 2)
    assert [await update(rooms, "hot", validate_only=True) for _ in range(5)] == ["OK"] * 5
    for each in hot:
        each.cancel()


async def test_a_repeated_request_id_waits_once(rooms: Building, server: App, clock: Clock):
    first = update(rooms, "hot", request_id="id")
    assert await first == "OK"
    assert [await update(rooms, "hot", request_id="id") for _ in range(5)] == ["OK"] * 5
    next_one = [update(rooms, "hot", request_id="next") for _ in range(5)]
    await waiting(server, 1)
    await clock.advance(1.1)
    assert [await each for each in next_one] == ["OK"] * 5
    assert sample(server, "twinfront_replayed_outcomes_total") == 9


async def test_a_refusal_for_a_late_turn_is_not_kept_as_the_outcome_of_a_request_id(
    rooms: Building, server: App, clock: Clock
):
    server._chain.recent_outcomes._patience = 5.0
    hot = [update(rooms, "hot", timeout=60) for _ in range(10)]
    await waiting(server, 9)
    assert await update(rooms, "hot", request_id="id", timeout=2) == "UPSTREAM_THROTTLED"
    for each in hot:
        each.cancel()
    await waiting(server, 0)
    await clock.advance(1.1)
    assert await update(rooms, "hot", request_id="id") == "OK"


BOTH_ROOMS = twins.BatchWriteDigitalTwinsRequest(
    writes=[
        DigitalTwinWrite(digital_twin_id=name, patch=DigitalTwinWrite.Patch(operations=[replace("/temperature", 3.0)]))
        for name in ("hot", "cold")
    ]
)


async def test_each_item_of_a_batch_waits_for_its_own_twin(rooms: Building, server: App, clock: Clock):
    hot = update(rooms, "hot")
    assert await hot == "OK"
    batch = asyncio.ensure_future(rooms.twins.BatchWriteDigitalTwins(BOTH_ROOMS, timeout=20))
    await waiting(server, 1)
    assert (await rooms.read_json("cold"))["temperature"] == 3.0
    await clock.advance(1.1)
    assert [result.status.code for result in (await batch).results] == [0, 0]


async def test_an_item_whose_turn_is_too_late_fails_alone_and_was_not_written(rooms: Building, server: App):
    hot = [update(rooms, "hot", timeout=60) for _ in range(3)]
    await waiting(server, 2)
    response = await rooms.twins.BatchWriteDigitalTwins(BOTH_ROOMS, timeout=2)
    late, other = [result.status for result in response.results]
    assert (late.code, other.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], 0)
    assert (await rooms.read_json("hot"))["temperature"] == 2.0
    for each in hot:
        each.cancel()


class TestFewPlaces:
    """A server that works on two calls at a time, of which one caller alone has one."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(max_calls_at_work=2)

    async def test_writes_that_wait_for_a_hot_twin_keep_no_other_call_waiting(self, rooms: Building, server: App):
        hot = [update(rooms, "hot", timeout=60) for _ in range(30)]
        await waiting(server, 29)
        assert await update(rooms, "cold") == "OK"
        assert (await rooms.read_json("hot"))["$dtId"] == "hot"
        for each in hot:
            each.cancel()
        await waiting(server, 0)
        assert len(await asyncio.gather(*(rooms.read_json("cold") for _ in range(50)))) == 50, "no place is lost"


class TestDrains:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(drain_grace=10.0)

    async def test_a_drain_ends_writes_that_wait_before_their_beginning(
        self, rooms: Building, server: App, settings: Settings, clock: Clock
    ):
        hot = [update(rooms, "hot", timeout=60) for _ in range(21)]
        await waiting(server, 20)
        draining = asyncio.create_task(server.drain())
        for _ in range(12):
            await clock.advance(1.0)
            await asyncio.sleep(0.05)
        ends = Counter([await each for each in hot])
        await draining
        assert set(ends) == {"OK", "SERVER_DRAINING"}
        assert 5 <= ends["OK"] <= 12, "those whose turn came within four fifths of the grace"
        assert await audited(settings, "hot", 1 + ends["OK"]) == 1 + ends["OK"]

    async def test_a_drain_does_not_wait_for_writes_in_line_whose_callers_are_gone(
        self, rooms: Building, server: App, settings: Settings
    ):
        hot = [update(rooms, "hot", timeout=60, request_id=f"id{number}") for number in range(8)]
        await waiting(server, 7)
        for each in hot:
            each.cancel()
        async with asyncio.timeout(settings.drain_grace / 2):
            await server.drain()
        await waiting(server, 0)
        assert await audited(settings, "hot", 2) == 2, "its creation, and the one patch that was sent"

    @pytest.mark.usefixtures("rooms")
    async def test_a_drain_acknowledges_no_item_of_an_import_that_still_waits(
        self, server: App, channel: grpc.aio.Channel, clock: Clock
    ):
        imported = Imported()
        importing = asyncio.create_task(_import_slowly(channel, imported))
        await waiting(server, 1)
        draining = asyncio.create_task(server.drain())
        for _ in range(12):
            await clock.advance(1.0)
            await asyncio.sleep(0.05)
        error = await importing
        await draining
        assert error.reason == "SERVER_DRAINING"
        assert "resume_from" in error.message
        assert not imported.failures
        assert imported.progress.acknowledged_count == imported.progress.digital_twins_imported < 40


async def _import_slowly(channel: grpc.aio.Channel, imported: Imported) -> TwinfrontError:
    """Imports the same room again and again, until the server ends that."""
    call = GraphServiceStub(channel).ImportGraph(iter([items(*(room("hot", visits=visit) for visit in range(40)))]))
    return await refused(collect(call, imported.messages))


class TestRates:
    """A localtwins that enforces rates, and a server before it that knows them or not."""

    @pytest.fixture(params=["off", "on"])
    async def settings(
        self, request: pytest.FixtureRequest, settings: Settings, certificate: DevelopmentCertificate
    ) -> AsyncIterator[Settings]:
        async with serving_over_tls(certificate, rate_limits=True, rate_twin_writes=RATE) as (_, url):
            yield settings.changed(
                upstream=url,
                upstream_ca=str(certificate.authority),
                upstream_credential="none",
                shape_writes=request.param,
                twin_write_rate=RATE,
            )

    async def test_of_many_writes_to_one_twin_those_that_wait_meet_no_429(
        self, building: Building, server: App, settings: Settings
    ):
        await building.add_room("hot", temperature=1.0)
        ends = Counter(await asyncio.gather(*(update(building, "hot") for _ in range(2 * int(RATE)))))
        throttled = sample(
            server, "twinfront_upstream_request_seconds_count", operation="patch_digital_twin", outcome="throttled"
        )
        if settings.shape_writes == "on":
            assert ends == {"OK": 2 * RATE}
            assert throttled == 0
        else:
            assert ends["UPSTREAM_THROTTLED"] == throttled > RATE / 4

    async def test_an_import_around_one_twin_along_with_patches_of_it_meets_no_429(
        self, building: Building, server: App, settings: Settings, channel: grpc.aio.Channel
    ):
        graph = [*models(), floor("hub"), *(room(f"room{number}") for number in range(30))]
        await run_import(channel, items(*graph))
        edges = [contains("hub", f"room{number}") for number in range(30)]
        importing = asyncio.create_task(run_import(channel, items(*edges)))
        patch = DigitalTwinWrite.Patch(operations=[add("/level", 1)])
        batches = [
            building.twins.BatchWriteDigitalTwins(
                twins.BatchWriteDigitalTwinsRequest(writes=[DigitalTwinWrite(digital_twin_id="hub", patch=patch)]),
                timeout=20,
            )
            for _ in range(40)
        ]
        answers = await asyncio.gather(*batches)
        assert (await importing).counts == (0, 0, 30, 0)
        throttled = sum(
            sample(server, "twinfront_upstream_request_seconds_count", operation=name, outcome="throttled")
            for name in ("patch_digital_twin", "put_relationship")
        )
        assert [result.status.message for answer in answers for result in answer.results] == [""] * 40
        assert (throttled == 0) is (settings.shape_writes == "on")
