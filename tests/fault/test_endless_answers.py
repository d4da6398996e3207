"""Answers without measure: each costs the server little time and memory, and the call ends typed."""

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, repeat

import grpc
import grpc.aio
import pytest

from twinfront_server.upstream.sdk.bounded_answers import MAX_VALUES

from ..hostile.measuring import Meter
from ..rpc.serving.process import ServedProcess, start
from .calls import GET_TWIN, LIST_RELATIONSHIPS, QUERY, UPDATE_TWIN, Rpc, refused
from .raw_server import RawServer, raw_server

CPU_SECONDS = 2.0
MEMORY_MB = 150.0

TYPED = {
    (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE"),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED"),
    (grpc.StatusCode.UNKNOWN, "OUTCOME_UNKNOWN"),
    (grpc.StatusCode.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED"),
    (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (grpc.StatusCode.INVALID_ARGUMENT, "QUERY_INVALID"),
}
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
MEGABYTE = 1 << 20


def whole(body: bytes, head: bytes = OK, length: int | None = None) -> Iterable[bytes]:
    return [b"%sContent-Length: %d\r\n\r\n" % (head, len(body) if length is None else length), body]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@cache
def bomb(wbits: int) -> bytes:
    """300 MB of a JSON text, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join(
        [packer.compress(b'{"a":"'), *(packer.compress(bytes([65]) * MEGABYTE) for _ in range(300)), packer.flush()]
    )


def encoded(encoding: bytes, body: bytes) -> Iterable[bytes]:
    return whole(body, OK + b"Content-Encoding: %s\r\n" % encoding)


ANSWERS: dict[str, Callable[[], Iterable[bytes]]] = {
    "100 MB of JSON": lambda: chain(
        whole(b'{"a":"', length=100 * MEGABYTE), repeat(b"a" * MEGABYTE, 99), [b"a" * (MEGABYTE - 8) + b'"}']
    ),
    "a body that never ends": lambda: chain([OK, b"\r\n"], repeat(b"a" * MEGABYTE)),
    "chunks that never end": lambda: chain([OK, b"Transfer-Encoding: chunked\r\n\r\n"], repeat(chunk(b"a" * 65_536))),
    "chunks of one byte that never end": lambda: chain(
        [OK, b"Transfer-Encoding: chunked\r\n\r\n"], repeat(chunk(b"a") * 10_000)
    ),
    "a chunk extension that never ends": lambda: chain(
        [OK, b"Transfer-Encoding: chunked\r\n\r\n5;"], repeat(b"a" * MEGABYTE)
    ),
    "trailers that never end": lambda: chain(
        [OK, b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"{}"), b"0\r\n"], repeat(b"a: b\r\n" * 10_000)
    ),
    "a gzip bomb": lambda: encoded(b"gzip", bomb(31)),
    "a deflate bomb": lambda: encoded(b"deflate", bomb(15)),
    "a gzip bomb in a bomb": lambda: encoded(b"gzip, gzip", gzip.compress(bomb(31))),
    "a gzip bomb that is refused": lambda: whole(bomb(31), REFUSED + b"Content-Encoding: gzip\r\n"),
    "a refusal of 100 MB": lambda: chain([REFUSED, b"\r\n"], [b'{"error":{"message":"'], repeat(b"a" * MEGABYTE, 100)),
    "interim answers that never end": lambda: repeat(b"HTTP/1.1 102 Processing\r\n\r\n" * 1_000),
    "header fields that never end": lambda: chain([OK], repeat(b"a: b\r\n" * 10_000)),
    "a header field that never ends": lambda: chain([OK, b"a: "], repeat(b"a" * MEGABYTE)),
    "a field name that never ends": lambda: chain([OK], repeat(b"a" * MEGABYTE)),
    "a status line that never ends": lambda: chain([b"HTTP/1.1 200 "], repeat(b"a" * MEGABYTE)),
    "empty lines that never end": lambda: repeat(b"\r\n" * 100_000),
    "an etag of 1 MB": lambda: whole(b"{}", OK + b"ETag: %s\r\n" % (b"a" * MEGABYTE)),
    "30 MB of empty lists": lambda: whole(b'{"value":[%s0]}' % (b"[]," * 10_000_000)),
    "30 MB of empty objects": lambda: whole(b'{"value":[%s0]}' % (b"{}," * 10_000_000)),
    "30 MB of lists in lists": lambda: whole(b'{"value":%s}' % (b"[" * 15_000_000 + b"]" * 15_000_000)),
    "a number of 1,000,000 digits": lambda: whole(b'{"value":%s}' % (b"9" * 1_000_000)),
    "30 MB of another protocol": lambda: repeat(b"\x00\x01\xff" * 1_000_000, 10),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawServer]:
    with raw_server() as server:
        yield server


@pytest.fixture(scope="module")
def served(upstream: RawServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProcess]:
    words = [f"--upstream={upstream.url}", "--upstream-credential=none", "--upstream-timeout=2", "--health-interval=60"]
    served = start(tmp_path_factory.mktemp("endless"), words, {})
    yield served
    served.end()


@pytest.mark.parametrize("rpc", [GET_TWIN, UPDATE_TWIN], ids=str)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_an_answer_without_measure_ends_the_call_typed_and_costs_little(
    upstream: RawServer, served: ServedProcess, rpc: Rpc, answer: str
):
    upstream.pieces = ANSWERS[answer]
    upstream.pieces()  # what it takes to make them is not the server's
    meter = Meter(served.process.pid)
    async with grpc.aio.insecure_channel(served.address) as channel:
        error = await refused(rpc.call(channel, timeout=60))
    cost = meter.read()
    assert (error.code, error.reason) in TYPED
    assert cost.cpu < CPU_SECONDS
    assert cost.memory < MEMORY_MB


@pytest.mark.parametrize("rpc", [LIST_RELATIONSHIPS, QUERY], ids=str)
async def test_as_many_values_as_may_be_cost_little(upstream: RawServer, served: ServedProcess, rpc: Rpc):
    upstream.pieces = lambda: whole(b'{"value":[%s{}]}' % (b"{}," * (MAX_VALUES // 2 - 10)))
    meter = Meter(served.process.pid)
    async with grpc.aio.insecure_channel(served.address) as channel:
        await rpc.call(channel, timeout=60)
    cost = meter.read()
    assert cost.cpu < CPU_SECONDS
    assert cost.memory < MEMORY_MB


async def test_answers_that_are_too_large_are_counted(upstream: RawServer, served: ServedProcess):
    upstream.pieces = ANSWERS["100 MB of JSON"]
    async with grpc.aio.insecure_channel(served.address) as channel:
        error = await refused(GET_TWIN.call(channel))
    assert "33554432 bytes" in error.message
    counted = r'upstream_request_seconds_count\{operation="get_digital_twin",outcome="too_large"\} [1-9]'
    assert re.search(counted, served.metrics())


async def test_a_page_of_the_largest_twins_is_read(upstream: RawServer, served: ServedProcess):
    twin = b'{"$dtId":"a","$metadata":{"$model":"dtmi:a;1"},"note":"%s"}' % (b"x" * 32_700)
    upstream.pieces = lambda: whole(b'{"value":[%s]}' % b",".join([twin] * 1_000))
    async with grpc.aio.insecure_channel(served.address) as channel:
        response = await QUERY.having(page_size=1_000).call(channel)
    assert 100 < len(response.rows) < 1_000
