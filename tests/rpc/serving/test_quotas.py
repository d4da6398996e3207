"""What one caller may have in flight, how often it may call, and whose turn it is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc.error_details_pb2 import QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from structlog.typing import EventDict
from tests import engine

from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.graph_service_pb2 import ExportGraphRequest
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.query_service_pb2 import QueryTwinsRequest, StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront_program.address import Address
from twinfront_server.app import App
from twinfront_server.settings import Settings

from ...clock import Clock
from .echo import METHODS, SERVICE, SHAPES, EchoServer, Outcome, eventually, outcome
from .hop import Hop

Limited = Callable[..., AbstractAsyncContextManager[EchoServer]]

of_the_same_host = pytest.mark.grpcio_engine("streams of requests count for the host that they come from")

METHODS_OF_ONE_HOST = [
    pytest.param(method, marks=of_the_same_host) if SHAPES.get(method, "").startswith("stream") else method
    for method in METHODS
]
STREAMS = [method for method in METHODS if method != "Unary"]


@pytest.fixture
def limited(settings: Settings) -> Limited:
    """The echo server with some limits."""

    @asynccontextmanager
    async def serving(**limits: Any) -> AsyncIterator[EchoServer]:
        async with EchoServer(settings.changed(**limits)) as echo:
            yield echo

    return serving


@asynccontextmanager
async def other_host(echo: EchoServer) -> AsyncIterator[Callable[[str], Any]]:
    """Starts unary calls that come from elsewhere."""
    with Hop(Address.parse(echo.address).port, host="127.0.0.2") as hop:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{hop.port}") as channel:
            call: Any = channel.unary_unary(f"/{SERVICE}/Unary")
            yield lambda word: call(StringValue(value=word).SerializeToString(), timeout=20)


def refusals(echo: EchoServer) -> dict[str, float]:
    """Calls that were refused, by limit."""
    return {
        sample.labels["limit"]: sample.value
        for family in echo.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "twinfront_limited_total" and sample.value
    }


def limit_of(refused: Outcome) -> str:
    """The limit that a refusal names, having looked at all that a refusal has to have."""
    assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    status = Status.FromString(refused.trailers["grpc-status-details-bin"])
    quota, retry = QuotaFailure(), RetryInfo()
    assert status.details[1].Unpack(quota)
    assert status.details[2].Unpack(retry)
    if engine.is_grpcio() or "grpc-retry-pushback-ms" in refused.trailers:
        pushback = int(refused.trailers["grpc-retry-pushback-ms"])
        assert pushback == pytest.approx(retry.retry_delay.ToMilliseconds(), abs=1)
    [violation] = quota.violations
    assert "--" in violation.description
    return violation.subject


async def ended(call: Any) -> Outcome:
    """Waits for the end of a call whose answers do not matter."""
    with contextlib.suppress(grpc.aio.AioRpcError):
        [_ async for _ in call]
    return Outcome(await call.code(), await call.details() or "", [], dict(await call.trailing_metadata() or ()))


@pytest.mark.parametrize("method", METHODS_OF_ONE_HOST)
async def test_a_caller_has_only_so_many_calls_in_flight(limited: Limited, method: str):
    async with limited(max_calls_per_caller=2) as echo:
        hanging = [echo.start(each, "hang") for each in ("Unary", "ServerStream")]
        await eventually(lambda: len(echo.servicer.calls) == 2)
        assert limit_of(await outcome(echo.start(method, "one"))) == "calls_per_caller"
        assert refusals(echo) == {"calls_per_caller": 1}
        hanging[0].cancel()
        await eventually(lambda: echo.metrics.registry.get_sample_value("twinfront_in_flight_requests") == 1)
        assert (await outcome(echo.start(method, "one"))).code is grpc.StatusCode.OK
        hanging[1].cancel()


@pytest.mark.parametrize("method", STREAMS)
async def test_a_caller_has_only_so_many_streams(limited: Limited, method: str):
    async with limited(max_streams_per_caller=1) as echo:
        hanging = echo.start("ServerStream" if method == "ServerStream" else "Bidi", "hang")
        await echo.servicer.entered.wait()
        assert limit_of(await outcome(echo.start(method, "one"))) == "streams_per_caller"
        assert (await outcome(echo.start("Unary", "one"))).code is grpc.StatusCode.OK
        hanging.cancel()
        assert refusals(echo) == {"streams_per_caller": 1}


async def test_a_caller_at_its_limit_does_not_keep_others_out(limited: Limited):
    async with limited(max_calls_per_caller=1) as echo, other_host(echo) as call:
        hanging = echo.start("Unary", "hang")
        await echo.servicer.entered.wait()
        assert (await outcome(call("one"))).words == ["one"]
        hanging.cancel()


async def test_when_all_is_full_the_caller_with_most_calls_waiting_makes_room(limited: Limited):
    async with limited(max_calls_in_flight=5, max_calls_at_work=2) as echo, other_host(echo) as call:
        many = [echo.start("Unary", "hang") for _ in range(5)]
        await eventually(lambda: echo.metrics.registry.get_sample_value("twinfront_waiting_requests") == 4)
        assert (await outcome(call("one"))).words == ["one"]
        await eventually(lambda: sum(each.done() for each in many) == 1)
        [dropped] = [each for each in many if each.done()]
        assert limit_of(await outcome(dropped)) == "calls_in_flight"
        assert refusals(echo) == {"calls_in_flight": 1}
        for each in many:
            each.cancel()


async def test_when_all_is_full_a_caller_with_most_calls_is_refused_another(limited: Limited):
    async with limited(max_calls_in_flight=3) as echo:
        many = [echo.start("Unary", "hang") for _ in range(3)]
        await eventually(lambda: len(echo.servicer.calls) == 3)
        assert limit_of(await outcome(echo.start("Unary", "one"))) == "calls_in_flight"
        for each in many:
            each.cancel()


async def test_a_quiet_caller_is_served_while_another_has_calls_waiting(limited: Limited):
    async with limited(max_calls_at_work=4) as echo, other_host(echo) as call:
        many = [echo.start("Unary", "hang") for _ in range(100)]
        await eventually(lambda: echo.metrics.registry.get_sample_value("twinfront_waiting_requests") == 98)
        assert (await outcome(call("one"))).words == ["one"]
        assert len(echo.servicer.calls) == 3
        for each in many:
            each.cancel()
        await echo.chain.in_flight.idle()
        assert echo.metrics.registry.get_sample_value("twinfront_waiting_requests") == 0
        assert echo.metrics.registry.get_sample_value("twinfront_waiting_seconds_count") == 98


async def test_a_call_whose_time_passes_while_it_waits_is_told_that_it_was_not_begun(limited: Limited):
    async with limited(max_calls_at_work=2) as echo:
        hanging = echo.start("Unary", "hang")
        await echo.servicer.entered.wait()
        late = await outcome(echo.start("Unary", "one", timeout=0.3))
        assert late.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "waited for its turn and was not begun" in late.details
        hanging.cancel()
        await echo.chain.in_flight.idle()
        assert len(echo.servicer.calls) == 1


async def test_streams_take_no_turn(limited: Limited):
    async with limited(max_calls_at_work=2) as echo:
        streams = [echo.start("Bidi", "hang") for _ in range(10)]
        await eventually(lambda: len(echo.servicer.calls) == 10)
        assert (await outcome(echo.start("Unary", "one"))).code is grpc.StatusCode.OK
        for each in streams:
            each.cancel()


@pytest.mark.parametrize("method", METHODS)
async def test_a_caller_that_calls_too_often_is_told_when_it_may_again(limited: Limited, method: str):
    async with limited(caller_call_rate=0.1, caller_burst=20.0) as echo:
        for _ in range(2):
            assert (await echo.call(method, "one")).code is grpc.StatusCode.OK
        refused = await echo.call(method, "one")
        assert limit_of(refused) == "call_rate"
        if engine.is_grpcio():
            assert 5_000 < int(refused.trailers["grpc-retry-pushback-ms"]) <= 10_000
        assert refusals(echo) == {"call_rate": 1}


async def test_a_call_that_is_refused_leaves_nothing_behind(limited: Limited):
    async with limited(max_calls_per_caller=1, caller_call_rate=1000.0) as echo:
        for word in ("refuse", "fault", "one", "refuse"):
            assert (await echo.call("Unary", word)).details != "This caller has too many calls in flight"
        assert refusals(echo) == {}


def refusals_logged(echo: EchoServer) -> list[EventDict]:
    return [event for event in echo.log if event["event"] == "calls are refused"]


async def test_the_log_names_the_callers_with_most_calls_in_flight_when_one_is_refused(limited: Limited):
    async with limited(max_calls_in_flight=4) as echo, other_host(echo) as call:
        many = [echo.start("Unary", "hang") for _ in range(3)]
        many.append(call("hang"))
        await eventually(lambda: len(echo.servicer.calls) == 4)
        assert limit_of(await outcome(call("one"))) == "calls_in_flight"
        [line] = refusals_logged(echo)
        assert (line["limit"], line["caller"], line["in_flight"], line["refused"]) == (
            "calls_in_flight",
            "peer ipv4:127.0.0.2",
            4,
            1,
        )
        assert line["most_in_flight"] == {"peer ipv4:127.0.0.1": 3, "peer ipv4:127.0.0.2": 1}
        assert list(line["most_in_flight"]) == ["peer ipv4:127.0.0.1", "peer ipv4:127.0.0.2"], (
            "the greediest comes first"
        )
        for each in many:
            each.cancel()


async def test_a_thousand_refusals_make_one_line_in_the_log_and_the_next_one_counts_them(
    limited: Limited, clock: Clock
):
    async with limited(caller_call_rate=0.001, caller_burst=1000.0) as echo:
        assert (await echo.call("Unary", "one")).code is grpc.StatusCode.OK
        ends = await asyncio.gather(*(outcome(echo.start("Unary", "one")) for _ in range(1000)))
        assert {each.code for each in ends} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert [line["refused"] for line in refusals_logged(echo)] == [1]
        await clock.advance(10)
        assert limit_of(await echo.call("Unary", "one")) == "call_rate"
        assert [line["refused"] for line in refusals_logged(echo)] == [1, 1000]


async def test_no_rate_is_bounded_by_default(echo: EchoServer):
    for _ in range(300):
        assert (await echo.call("Unary", "one")).code is grpc.StatusCode.OK
    assert refusals(echo) == {}


class TestQueries:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(caller_query_rate=0.1, caller_burst=10.0)

    async def test_queries_are_refused_until_what_they_were_charged_is_made_up_for(
        self, server: App, channel: grpc.aio.Channel
    ):
        queries, twins = QueryServiceStub(channel), DigitalTwinServiceStub(channel)
        query = "SELECT * FROM digitaltwins"
        answer = await queries.QueryTwins(QueryTwinsRequest(query=query))
        assert answer.query_charge > 0
        charges = [answer.query_charge]
        while len(charges) < 10:  # until they have used up the burst
            call = queries.StreamQueryTwins(StreamQueryTwinsRequest(query=query))
            refused = await ended(call)
            if refused.code is not grpc.StatusCode.OK:
                break
            charges.append(answer.query_charge)
        assert limit_of(refused) == "query_rate"
        assert len(charges) >= 1 / answer.query_charge
        with pytest.raises(grpc.aio.AioRpcError) as exporting:
            [_ async for _ in GraphServiceStub(channel).ExportGraph(ExportGraphRequest())]
        assert from_rpc_error(exporting.value).reason == "LIMIT_REACHED"
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await twins.GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id="nobody"))
        assert missing.value.code() is grpc.StatusCode.NOT_FOUND
        assert server.metrics.registry.get_sample_value("twinfront_limited_total", {"limit": "query_rate"}) == 2


async def test_a_thousand_calls_at_once_wait_and_are_all_served(echo: EchoServer):
    ended = await asyncio.gather(*(outcome(echo.start("Unary", "one")) for _ in range(1000)))
    assert {each.code for each in ended} == {grpc.StatusCode.OK}
    assert refusals(echo) == {}
