"""What every RPC meets on its way, whatever its cardinality."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from tests import engine

from twinfront_server.interceptors.link import in_order
from twinfront_server.settings import Settings

from ...clock import Clock
from .echo import METHODS, SHAPES, EchoServer, Outcome, eventually, outcome

all_methods = pytest.mark.parametrize("method", METHODS)


def reason_of(outcome: Outcome) -> str:
    status = Status.FromString(outcome.trailers["grpc-status-details-bin"])
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert status.code == outcome.code.value[0]
    assert info.domain == "twinfront"
    return str(info.reason)


def test_the_links_stand_in_this_order(echo: EchoServer) -> None:
    order = [
        "in_flight",
        "tracing",
        "metrics",
        "access_log",
        "trailing_metadata",
        "error_mapping",
        "draining",
        "deadline",
    ]
    access = ["authentication", "admission", "authorization", "external_authorization"]
    assert list(echo.chain.links) == [*order, *access, "unread"]
    around_messages = ["resource_ids", "resource_authorization", "validate_only", "recent_outcomes"]
    assert list(echo.chain.message_links) == around_messages


def test_a_chain_in_another_order_does_not_start(echo: EchoServer) -> None:
    places = echo.chain.places
    moved = [place for place in places if place.inside]
    assert len(moved) == 15
    for place in moved:
        others = [other for other in places if other is not place]
        place_before = min(others.index(other) for other in others if other.name in place.inside)
        with pytest.raises(ValueError, match=f"The link {place.name} has to stand inside .*: {place.reason}"):
            in_order([*others[:place_before], place, *others[place_before:]])


def test_every_link_says_why_it_stands_where_it_does(echo: EchoServer) -> None:
    assert len({place.reason for place in echo.chain.places}) == len(echo.chain.places) == 17


@all_methods
async def test_a_call_is_answered(echo: EchoServer, method: str) -> None:
    answer = await echo.call(method, "one")
    assert answer.code is grpc.StatusCode.OK
    assert answer.words[0] == "one"


@all_methods
async def test_a_method_is_composed_once(echo: EchoServer, method: str) -> None:
    await echo.call(method, "one")
    handlers = dict(echo.chain._handlers)
    await echo.call(method, "two")
    assert echo.chain._handlers == handlers


@all_methods
async def test_every_answer_carries_the_figures_of_its_call(echo: EchoServer, method: str) -> None:
    for word in ("one", "refuse"):
        trailers = (await echo.call(method, word)).trailers
        assert len(trailers["twinfront-call-id"]) == 16
        assert trailers["twinfront-upstream-ms"] == "0.000"
        assert float(trailers["twinfront-server-ms"]) > 0
        assert trailers["twinfront-upstream-attempts"] == "0"


@pytest.mark.parametrize("key", ["twinfront-call-id", "x-request-id"])
async def test_the_callers_call_id_is_kept(echo: EchoServer, key: str) -> None:
    answer = await echo.call("Unary", "one", metadata=[(key, "from-the-caller")])
    assert answer.trailers["twinfront-call-id"] == "from-the-caller"
    assert echo.access_lines()[0]["call_id"] == "from-the-caller"


@all_methods
async def test_calls_at_the_same_time_keep_their_figures_apart(echo: EchoServer, method: str) -> None:
    names = [f"call-{number}" for number in range(8)]
    answers = await asyncio.gather(*(echo.call(method, name, metadata=[("x-request-id", name)]) for name in names))
    assert [answer.trailers["twinfront-call-id"] for answer in answers] == names
    assert {call.call_id for call in echo.servicer.calls} == set(names)


@all_methods
async def test_an_error_is_typed(echo: EchoServer, method: str) -> None:
    answer = await echo.call(method, "refuse")
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer.details == "Slowly."
    assert reason_of(answer) == "UPSTREAM_THROTTLED"
    pushback = answer.trailers.get("grpc-retry-pushback-ms")
    assert pushback == engine.pushback("250", takes_stream=SHAPES.get(method, "").startswith("stream"))


@all_methods
async def test_a_fault_tells_the_caller_the_call_id_and_nothing_else(echo: EchoServer, method: str) -> None:
    answer = await echo.call(method, "fault", metadata=[("x-request-id", "look-here")])
    assert answer.code is grpc.StatusCode.INTERNAL
    assert reason_of(answer) == "INTERNAL"
    assert "look-here" in answer.details
    assert "secret" not in answer.details + str(answer.trailers)


async def test_a_fault_is_logged_with_its_traceback_under_the_call_id(echo: EchoServer) -> None:
    await echo.call("Unary", "fault", metadata=[("x-request-id", "look-here")])
    fault = next(entry for entry in echo.log if entry["event"] == "unexpected exception")
    assert fault["call_id"] == "look-here"
    assert fault["exc_info"]
    assert fault["log_level"] == "error"


async def test_an_answer_that_is_no_message_is_a_fault(echo: EchoServer) -> None:
    assert reason_of(await echo.call("Unary", "none")) == "INTERNAL"


async def test_a_timeout_inside_the_servicer_is_a_fault_and_not_the_callers_deadline(echo: EchoServer) -> None:
    assert (await echo.call("Unary", "time out")).code is grpc.StatusCode.INTERNAL


@all_methods
async def test_a_request_that_does_not_parse_is_an_invalid_argument(echo: EchoServer, method: str) -> None:
    answer = await outcome(echo.start_raw(method, [b"\xff\xff\xff"]))
    await echo.chain.in_flight.idle()
    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(answer) == "INVALID_ARGUMENT"
    assert echo.handled(method) == {"InvalidArgument": 1}
    assert echo.access_lines()[0]["code"] == "INVALID_ARGUMENT"


@all_methods
@pytest.mark.parametrize(
    ("word", "code"), [("one", "OK"), ("refuse", "ResourceExhausted"), ("fault", "Internal"), ("conflict", "Aborted")]
)
async def test_calls_are_counted_by_their_code(echo: EchoServer, method: str, word: str, code: str) -> None:
    await echo.call(method, word)
    assert echo.value("grpc_server_started_total", method) == 1
    assert echo.value("grpc_server_handling_seconds_count", method) == 1
    assert echo.handled(method) == {code: 1}


@pytest.mark.parametrize(
    ("method", "received", "sent"),
    [("Unary", 1, 1), ("ClientStream", 3, 1), ("ServerStream", 1, 2), ("Bidi", 3, 3)],
)
async def test_messages_are_counted(echo: EchoServer, method: str, received: int, sent: int) -> None:
    words = ["one", "two", "three"] if method in {"ClientStream", "Bidi"} else ["one"]
    await echo.call(method, *words)
    assert echo.value("grpc_server_msg_received_total", method) == received
    assert echo.value("grpc_server_msg_sent_total", method) == sent


@pytest.mark.parametrize("method", METHODS)
async def test_a_response_that_is_too_large_is_a_limit_and_counted_as_one(settings: Settings, method: str) -> None:
    async with EchoServer(settings.changed(max_response_bytes=1024)) as echo:
        ended = await echo.call(method, "x" * 1025)
        assert (ended.code, reason_of(ended)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED")
        assert echo.handled(method) == {"ResourceExhausted": 1}
        assert not echo.value("grpc_server_msg_sent_total", method)
        [line] = echo.access_lines()
        assert (line["code"], line["reason"]) == ("RESOURCE_EXHAUSTED", "LIMIT_REACHED")


async def test_errors_are_counted_by_reason(echo: EchoServer) -> None:
    for word in ("conflict", "blocked", "refuse"):
        await echo.call("Unary", word)
    value = echo.metrics.registry.get_sample_value
    assert value("twinfront_errors_total", {"reason": "UPSTREAM_THROTTLED"}) == 1
    assert value("twinfront_etag_conflicts_total", {"grpc_method": "Unary"}) == 1
    assert value("twinfront_blocked_deletes_total") == 1


@all_methods
async def test_each_call_is_one_line_in_the_access_log(echo: EchoServer, method: str) -> None:
    await echo.call(method, "one")
    [line] = echo.access_lines()
    assert line["method"] == f"test.Echo/{method}"
    assert line["code"] == "OK"
    assert line["reason"] == ""
    assert line["log_level"] == "info"
    assert line["peer"].startswith(
        engine.peer("ipv4:127.0.0.1:", takes_stream=SHAPES.get(method, "").startswith("stream"))
    )
    assert line["ms"] >= 0
    assert (line["upstream_ms"], line["upstream_attempts"]) == (0, 0)


@pytest.mark.parametrize(
    ("word", "level"), [("one", "info"), ("conflict", "info"), ("refuse", "warning"), ("fault", "error")]
)
async def test_what_is_not_the_callers_doing_is_logged_louder(echo: EchoServer, word: str, level: str) -> None:
    await echo.call("Unary", word)
    assert echo.access_lines()[0]["log_level"] == level


async def test_payloads_are_not_logged(echo: EchoServer) -> None:
    await echo.call("Unary", "confidential")
    assert "confidential" not in str(echo.log)


@all_methods
async def test_a_caller_that_vanishes_is_cancelled_everywhere(echo: EchoServer, method: str) -> None:
    call = echo.start(method, "hang")
    if hasattr(call, "__aiter__"):
        reading = asyncio.ensure_future(outcome(call))
    await echo.servicer.entered.wait()
    call.cancel()
    await echo.servicer.ended.wait()
    await eventually(echo.access_lines)
    assert echo.access_lines()[0]["code"] == "CANCELLED"
    assert echo.handled(method) == {"Canceled": 1}
    if hasattr(call, "__aiter__"):
        await asyncio.wait({reading})


async def test_a_reader_that_vanishes_from_a_stream_is_cancelled_and_no_fault(echo: EchoServer) -> None:
    call = echo.start("Flood", "begin")
    await call.read()
    call.cancel()
    await echo.servicer.ended.wait()
    await eventually(echo.access_lines)
    assert echo.handled("Flood") == {"Canceled": 1}
    assert [entry["event"] for entry in echo.log] == ["rpc"]


async def test_a_caller_that_vanishes_leaves_no_task_behind(echo: EchoServer) -> None:
    await echo.call("Unary", "one")
    before = len(asyncio.all_tasks())
    for _ in range(5):
        echo.servicer.entered.clear()
        call = echo.start("Unary", "hang")
        await echo.servicer.entered.wait()
        call.cancel()
    await eventually(lambda: len(asyncio.all_tasks()) <= before)
    assert echo.metrics.registry.get_sample_value("twinfront_in_flight_requests") == 0


async def test_a_call_in_flight_is_on_the_gauge(echo: EchoServer) -> None:
    call = echo.start("Unary", "hang")
    await echo.servicer.entered.wait()
    assert echo.metrics.registry.get_sample_value("twinfront_in_flight_requests") == 1
    call.cancel()
    await echo.chain.in_flight.idle()
    assert echo.metrics.registry.get_sample_value("twinfront_in_flight_requests") == 0


@all_methods
async def test_the_callers_deadline_gets_a_typed_answer(echo: EchoServer, clock: Clock, method: str) -> None:
    hanging = asyncio.ensure_future(echo.call(method, "hang", timeout=20))
    await echo.servicer.entered.wait()
    await clock.advance(20)
    answer = await hanging
    assert answer.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert reason_of(answer) == "DEADLINE_EXCEEDED"
    assert echo.handled(method) == {"DeadlineExceeded": 1}


async def test_the_deadline_is_known_to_whoever_works_for_the_call(echo: EchoServer) -> None:
    await echo.call("Unary", "one", timeout=10)
    remaining = echo.servicer.calls[0].remaining()
    assert remaining is not None
    assert 5 < remaining < 10


async def test_a_unary_call_without_deadline_has_the_servers(settings: Settings) -> None:
    async with EchoServer(settings.changed(default_deadline=0.2)) as echo:
        answer = await echo.call("Unary", "hang", timeout=None)
        assert reason_of(answer) == "DEADLINE_EXCEEDED"


async def test_a_unary_call_cannot_exceed_the_maximum(settings: Settings) -> None:
    async with EchoServer(settings.changed(default_deadline=0.2, max_deadline=0.2)) as echo:
        answer = await echo.call("Unary", "hang", timeout=60)
        assert reason_of(answer) == "DEADLINE_EXCEEDED"


async def test_a_stream_without_deadline_has_none(echo: EchoServer) -> None:
    await echo.call("Bidi", "one", timeout=None)
    assert echo.servicer.calls[0].deadline is None


async def test_a_method_that_the_servicer_lacks_is_unimplemented(echo: EchoServer) -> None:
    answer = await echo.call("Lacking", "one")
    assert answer.code is grpc.StatusCode.UNIMPLEMENTED
    assert answer.trailers["twinfront-call-id"]
    assert echo.access_lines()[0]["code"] == "UNIMPLEMENTED"


async def test_an_unknown_method_is_unimplemented_logged_and_no_label(echo: EchoServer) -> None:
    ask: Any = echo.channel.unary_unary("/test.Echo/NoSuchMethod")
    answer = await outcome(ask(StringValue().SerializeToString()))
    await echo.chain.in_flight.idle()
    assert answer.code is grpc.StatusCode.UNIMPLEMENTED
    assert echo.access_lines()[0]["code"] == "UNIMPLEMENTED"
    assert echo.handled("NoSuchMethod") == {}
    assert "/test.Echo/NoSuchMethod" not in echo.chain._handlers


async def test_of_a_long_name_of_an_unknown_method_the_log_and_the_answer_have_the_beginning(echo: EchoServer) -> None:
    ask: Any = echo.channel.unary_unary("/test.Echo/" + "NoSuchMethod" * 1000)
    answer = await outcome(ask(StringValue().SerializeToString()))
    await echo.chain.in_flight.idle()
    assert answer.code is grpc.StatusCode.UNIMPLEMENTED
    name = echo.access_lines()[0]["method"]
    assert name.startswith("test.Echo/NoSuchMethodNoSuchMethod")
    assert len(name.encode()) <= 256
    assert answer.details == f"{name} is not implemented."
