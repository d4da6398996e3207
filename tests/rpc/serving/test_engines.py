"""Both engines side by side: what a caller and a servicer meet on one, they meet on the other."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from twinfront_program.address import Address
from twinfront_server.settings import Settings

from ...clock import Clock
from .echo import METHODS, SERVICE, SHAPES, EchoServer, Outcome, eventually, outcome
from .test_floods import ACK, SETTINGS, frame

PING: Final = 6
MAX_CONCURRENT_STREAMS: Final = 3
LARGE: Final = "x" * 3_000_000

MEASURED: Final = {"twinfront-server-ms", "twinfront-upstream-ms"}
"""Trailers with times, which are never the same twice."""

SENT: Final[list[tuple[str, str | bytes]]] = [
    ("x-request-id", "the-same"),
    ("x-text", "some text, and more"),
    ("x-empty", ""),
    ("x-twice", "one"),
    ("x-twice", "two"),
    ("x-bytes-bin", b"\0\xff\x80 no text"),
    ("authorization", "Bearer a.b.c"),
]

all_methods = pytest.mark.parametrize("method", METHODS)


@asynccontextmanager
async def on_each(settings: Settings, **changed: Any) -> AsyncIterator[list[EchoServer]]:
    """Serves on grpcio and on the native engine."""
    async with (
        EchoServer(settings.changed(engine="grpcio", **changed)) as grpcio,
        EchoServer(settings.changed(engine="native", **changed)) as native,
    ):
        yield [grpcio, native]


def seen(ended: Outcome) -> tuple[object, ...]:
    """Tells what a caller sees of an end; but for times, and the trailer that the native engine cannot send."""
    trailers = {name: value for name, value in ended.trailers.items() if name != "grpc-retry-pushback-ms"}
    return ended.code, ended.details, ended.words, trailers | dict.fromkeys(MEASURED & trailers.keys(), "")


async def alike(settings: Settings, ask: Callable[[EchoServer], Awaitable[Any]], **changed: Any) -> Any:
    """Asks both for something that is the same on both, and gives it."""
    async with on_each(settings, **changed) as (grpcio, native):
        one, other = [await ask(echo) for echo in (grpcio, native)]
    assert other == one
    return one


@all_methods
@pytest.mark.parametrize("word", ["one", "", "refuse", "conflict", "blocked", "fault", "time out", "none"])
async def test_a_call_ends_alike(settings: Settings, method: str, word: str):
    async def ask(echo: EchoServer) -> object:
        ended = await echo.call(method, word, metadata=SENT[:1])
        [line] = echo.access_lines()
        return seen(ended), echo.handled(method), line["code"], line["reason"], line["call_id"]

    assert (await alike(settings, ask))[-1] == "the-same"


@all_methods
async def test_a_servicer_sees_the_metadata_that_was_sent(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        await echo.call(method, "one", metadata=SENT)
        sent = {name for name, _ in SENT}
        return sorted((name, value) for name, value in echo.servicer.calls[0].metadata if name in sent)

    assert await alike(settings, ask) == sorted(SENT)


@all_methods
@pytest.mark.parametrize("seconds", [20, None])
async def test_a_call_has_the_time_that_its_caller_gives_it(settings: Settings, method: str, seconds: int | None):
    async def ask(echo: EchoServer) -> int | None:
        await echo.call(method, "one", timeout=seconds)
        deadline = echo.servicer.calls[0].deadline
        return None if deadline is None else round((deadline - asyncio.get_running_loop().time()) / 5)

    await alike(settings, ask)


@all_methods
async def test_a_deadline_that_passes_is_answered(settings: Settings, clock: Clock, method: str):
    async def ask(echo: EchoServer) -> object:
        hanging = asyncio.ensure_future(echo.call(method, "hang", timeout=20, metadata=SENT[:1]))
        await echo.servicer.entered.wait()
        await clock.advance(20)
        return seen(await hanging)

    assert (await alike(settings, ask))[0] is grpc.StatusCode.DEADLINE_EXCEEDED


@all_methods
async def test_a_caller_who_cancels_ends_the_work(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        call = echo.start(method, "hang")
        await echo.servicer.entered.wait()
        call.cancel()
        await echo.servicer.ended.wait()
        await echo.chain.in_flight.idle()
        return echo.handled(method), [line["code"] for line in echo.access_lines()]

    assert await alike(settings, ask) == ({"Canceled": 1}, ["CANCELLED"])


@all_methods
async def test_a_connection_that_breaks_ends_the_work(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        calls = [echo.start(method, "hang") for _ in range(3)]
        await eventually(lambda: len(echo.servicer.calls) == len(calls))
        await echo.channel.close()
        await echo.chain.in_flight.idle()
        return echo.handled(method)

    assert await alike(settings, ask) == {"Canceled": 3}


async def _large(_word: str) -> StringValue:
    return StringValue(value=LARGE)


@all_methods
async def test_a_large_request_arrives(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        return seen(await echo.call(method, LARGE, metadata=SENT[:1]))

    assert "3000000 characters" in (await alike(settings, ask))[1]


@all_methods
async def test_a_large_answer_arrives(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        echo.servicer.act = _large  # type: ignore[method-assign, assignment]
        return seen(await echo.call(method, "one", metadata=SENT[:1]))

    assert set((await alike(settings, ask))[2]) == {LARGE}


@all_methods
async def test_a_request_that_is_too_large_is_refused(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        return (await outcome(echo.start(method, LARGE, timeout=20))).code

    assert await alike(settings, ask, max_request_bytes=1 << 20) is grpc.StatusCode.RESOURCE_EXHAUSTED


@all_methods
async def test_an_answer_that_is_too_large_is_refused(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        echo.servicer.act = _large  # type: ignore[method-assign, assignment]
        return seen(await echo.call(method, "one", metadata=SENT[:1]))

    assert (await alike(settings, ask, max_response_bytes=1 << 20))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


@all_methods
async def test_a_compressed_request_is_read(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        async with grpc.aio.insecure_channel(echo.address, compression=grpc.Compression.Gzip) as channel:
            shape = SHAPES.get(method, "unary_stream")
            message = StringValue(value="word " * 1000).SerializeToString()
            call = getattr(channel, shape)(f"/{SERVICE}/{method}")
            ended = await outcome(call([message] if shape.startswith("stream") else message, timeout=20))
        return ended.code, ended.words

    assert (await alike(settings, ask))[0] is grpc.StatusCode.OK


@all_methods
async def test_bytes_that_are_no_message_are_an_invalid_argument(settings: Settings, method: str):
    async def ask(echo: EchoServer) -> object:
        return seen(await outcome(echo.start_raw(method, [b"\xff\xff\xff"], 20, SENT[:1])))

    assert (await alike(settings, ask))[0] is grpc.StatusCode.INVALID_ARGUMENT


def raw(channel: grpc.aio.Channel, path: str) -> Any:
    return channel.unary_unary(path)


@pytest.mark.parametrize(
    "path", [f"/{SERVICE}/Nothing", f"/{SERVICE}/Lacking", "/no.Service/Unary", "/Unary", "/a/b/c"]
)
async def test_a_method_that_is_not_there_is_unimplemented(settings: Settings, path: str):
    async def ask(echo: EchoServer) -> object:
        return seen(await outcome(raw(echo.channel, path)(b"", timeout=20, metadata=tuple(SENT[:1]))))

    assert (await alike(settings, ask))[0] is grpc.StatusCode.UNIMPLEMENTED


async def test_many_calls_at_once_are_each_answered_with_their_own(settings: Settings):
    async def ask(echo: EchoServer) -> object:
        words = [f"word-{number}" for number in range(500)]
        ended = await asyncio.gather(*(echo.call("Unary", word, timeout=60) for word in words))
        return [each.words for each in ended] == [[word] for word in words]

    assert await alike(settings, ask)


def _asked_in_http2(address: str, sent: bytes, is_answer: Callable[[int, int, bytes], bool]) -> bytes:
    """Speaks HTTP/2 until a frame comes that is the answer, and gives what it carries."""
    place = Address.parse(address)
    with socket.create_connection((place.host, place.port), timeout=20) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0) + sent)
        reader = connection.makefile("rb")
        while True:
            head = reader.read(9)
            payload = reader.read(int.from_bytes(head[:3], "big"))
            if is_answer(head[3], head[4], payload):
                return payload


async def test_a_ping_without_calls_is_answered(settings: Settings):
    async def ask(echo: EchoServer) -> bytes:
        ping = frame(PING, 0, 0, b"01234567")
        return await asyncio.to_thread(
            _asked_in_http2, echo.address, ping, lambda kind, flags, _: (kind, flags) == (PING, ACK)
        )

    assert await alike(settings, ask) == b"01234567"


async def test_a_connection_is_told_how_many_calls_it_may_have(settings: Settings):
    async def ask(echo: EchoServer) -> int:
        told = await asyncio.to_thread(
            _asked_in_http2, echo.address, b"", lambda kind, flags, _: (kind, flags) == (SETTINGS, 0)
        )
        pairs = [told[start : start + 6] for start in range(0, len(told), 6)]
        return {int.from_bytes(pair[:2], "big"): int.from_bytes(pair[2:], "big") for pair in pairs}[
            MAX_CONCURRENT_STREAMS
        ]

    assert await alike(settings, ask, max_calls_per_connection=37) == 37
