"""Answers that HTTP allows and nobody sends, and such as it does not allow."""

from collections.abc import Iterator

import grpc
import grpc.aio
import pytest

from twinfront_server.settings import Settings

from .calls import GET_TWIN, UPDATE_TWIN, refused
from .raw_server import RawServer, raw_server

TWIN = b'{"$dtId":"room"}'
JSON = b"Content-Type: application/json\r\n"

TAKEN = {
    "HTTP/1.0, up to the end of the connection": b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n" + TWIN,
    "HTTP/1.1, up to the end of the connection": b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n" + TWIN,
    "without a content type": b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + TWIN,
    "after interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 50
    + b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"
    + TWIN,
    "with more behind it": b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + TWIN + b"HTTP/1.1 200 OK\r\n\r\nmore",
    "with trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + TWIN + b"\r\n0\r\na: b\r\n\r\n",
}
NOT_TAKEN = {
    "nothing at all": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + TWIN[:8],
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + TWIN[:8],
    "a chunk of no size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsome\r\n" + TWIN,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\nContent-Length: 2\r\n\r\n" + TWIN,
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + TWIN,
    "less than it has": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + TWIN,
    "broken gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 16\r\n\r\n" + TWIN,
    "an encoding that nobody asked for": b"HTTP/1.1 200 OK\r\nContent-Encoding: x-odd\r\nContent-Length: 4\r\n\r\nabcd",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "a status of no class": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\nContent-Length: 16\r\n\r\n" + TWIN,
    "an etag with a null": b'HTTP/1.1 200 OK\r\nETag: "\x00"\r\nContent-Length: 16\r\n\r\n' + TWIN,
    "another greeting": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.fixture
def upstream() -> Iterator[RawServer]:
    with raw_server() as server:
        yield server


@pytest.fixture
def settings(upstream: RawServer) -> Settings:
    return Settings(
        listen="127.0.0.1:0",
        metrics_listen="none",
        upstream=upstream.url,
        upstream_credential="none",
        upstream_timeout=2.0,
        read_retries=0,
        health_interval=3600.0,
    )


@pytest.mark.parametrize("answer", TAKEN)
async def test_an_answer_in_an_old_or_rare_form_is_taken(upstream: RawServer, channel: grpc.aio.Channel, answer: str):
    upstream.pieces = lambda: [TAKEN[answer]]
    assert (await GET_TWIN.call(channel)).digital_twin.id == "room"


@pytest.mark.parametrize("answer", NOT_TAKEN)
async def test_a_read_that_is_answered_in_no_form_is_unavailability(
    upstream: RawServer, channel: grpc.aio.Channel, answer: str
):
    upstream.pieces = lambda: [NOT_TAKEN[answer]]
    error = await refused(GET_TWIN.call(channel, timeout=20))
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    upstream.pieces = lambda: [TAKEN["without a content type"]]
    assert (await GET_TWIN.call(channel)).digital_twin.id == "room", "nothing of it is left"


@pytest.mark.parametrize("answer", NOT_TAKEN)
async def test_a_write_that_is_answered_in_no_form_may_have_been_applied(
    upstream: RawServer, channel: grpc.aio.Channel, answer: str
):
    upstream.pieces = lambda: [NOT_TAKEN[answer]]
    error = await refused(UPDATE_TWIN.call(channel, timeout=20))
    assert (error.code, error.reason) == (grpc.StatusCode.UNKNOWN, "OUTCOME_UNKNOWN")
    assert sum(head.startswith("PATCH") for head in upstream.heads) == 1
