"""Bodies over HTTP that are compressed, cut short or otherwise not what their headers say: a 4xx, without a trace."""

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from functools import cache

import pytest

from .adt import MACHINE_TWIN, MODELS
from .attacked import Attacked, attacked

TWIN = json.dumps(MACHINE_TWIN).encode()
TARGET = "/digitaltwins/m"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the memory of another process is read from /proc")


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(200_000_000), 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("server")) as server:
        assert server.send("POST", "/models", json.dumps(MODELS).encode()).status == 201
        yield server
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "x-gzip", "gzip, gzip", "x" * 3000])
@pytest.mark.parametrize(
    "body",
    [TWIN, gzip.compress(TWIN), gzip.compress(TWIN)[:20], zlib.compress(TWIN), b"\x1f\x8b"],
    ids=["plain", "compressed", "cut", "zlib", "two bytes"],
)
def test_a_body_that_says_it_is_compressed_is_refused_whatever_is_in_it(server: Attacked, encoding: str, body: bytes):
    answer = server.send("PUT", TARGET, body, {"Content-Encoding": encoding})
    assert answer.status == 415
    assert b'"code":"UnsupportedMediaType"' in answer.body
    assert len(answer.body) < 1000


def test_a_dry_run_with_a_compressed_body_is_answered_as_one(server: Attacked):
    headers = {"Content-Encoding": "gzip", "localtwins-validate-only": "true"}
    assert b"localtwins-validated-only: true" in server.send("PUT", TARGET, TWIN, headers).head


@on_linux
def test_a_gzip_bomb_is_not_inflated(server: Attacked):
    server.forget_peak()
    before = server.resident_bytes()
    statuses = [server.send("POST", "/models", bomb(), {"Content-Encoding": "gzip"}).status for _ in range(3)]
    assert set(statuses) <= {415, 0}
    assert server.peak_bytes() - before < 20_000_000


def test_the_identity_encoding_is_none(server: Attacked):
    assert server.send("PUT", "/digitaltwins/identity", TWIN, {"Content-Encoding": "Identity"}).status == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Transfer-Encoding: chunked", b"zz\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"3\r\nabcdef\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"-1\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"FFFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"3;" + b"e" * 20_000 + b"\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: gzip, chunked", b"3\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3", b"3\r\nabc\r\n0\r\n\r\n"),
        ("Content-Length: -1", b"abc"),
        ("Content-Length: abc", b"abc"),
        ("Content-Length: 3\r\nContent-Length: 4", b"abcd"),
        ("Content-Length: 99999999999999999999999999999999", b"abc"),
        ("Content-Length: 3", b"abcGARBAGE"),
        ("Content-Length: 1", b"{" + b"\x00" * 70_000),
        ("x" * 20_000, b""),
        (f"x: {'x' * 20_000}", b""),
        ("\r\n".join(f"x{number}: 1" for number in range(500)), b""),
        ("x: \x00", b""),
        ("no colon", b""),
    ],
)
def test_a_request_that_breaks_http_is_the_callers_fault(server: Attacked, headers: str, body: bytes):
    answer = server.send_raw("PUT", TARGET, headers, body, end=True)
    assert answer.status == 0 or 400 <= answer.status < 500, answer
    assert b"Traceback" not in answer.body
    assert server.send("GET", "/models").status == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (f"Content-Length: {len(TWIN) + 10}", TWIN),
        ("Transfer-Encoding: chunked", b"%x\r\n%b\r\n" % (len(TWIN), TWIN)),
        ("Transfer-Encoding: chunked", b"%x\r\n%b\r\nzz\r\n" % (len(TWIN), TWIN)),
    ],
)
def test_of_a_body_that_is_cut_short_nothing_is_written(server: Attacked, headers: str, body: bytes):
    answer = server.send_raw("PUT", "/digitaltwins/cut", headers, body, end=True)
    assert answer.status == 0 or 400 <= answer.status < 500
    assert server.send("GET", "/digitaltwins/cut").status == 404


@on_linux
@pytest.mark.parametrize("size", [2 << 20, 30_000_000])
@pytest.mark.parametrize("request_line", ["PUT /digitaltwins/m", "POST /query", "GET /digitaltwins/m", "PUT /nothing"])
def test_a_body_is_read_no_further_than_the_operation_allows(server: Attacked, request_line: str, size: int):
    method, target = request_line.split()
    server.forget_peak()
    before = server.resident_bytes()
    body = b"%x\r\n%b\r\n" % (size, b"x" * size) + b"0\r\n\r\n"
    answer = server.send_raw(method, target, "Transfer-Encoding: chunked", body)
    assert answer.status in {0, 400, 404}
    assert server.peak_bytes() - before < 20_000_000
