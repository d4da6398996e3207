"""`--log-requests`: what is told of the requests, and what never is."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from localtwins.http_server import HttpServer
from localtwins.request_log import shown_target
from localtwins.service import LocalTwins
from localtwins.settings import Settings

from .adt import MODELS
from .serving import start

QUERY = "?api-version=2023-10-31"


@asynccontextmanager
async def logged(lines: list[str], **settings: object) -> AsyncIterator[str]:
    """The URL of a server whose log goes into `lines`."""
    chosen = Settings(listen="127.0.0.1:0", shutdown_seconds=0, **settings)
    service = await LocalTwins.open(":memory:", chosen)
    server = HttpServer(service, chosen, None, lines.append)
    await server.start()
    yield server.url
    await server.stop()
    await service.close()


async def send(url: str, method: str, path: str, **options: object) -> int:
    async with (
        aiohttp.ClientSession(headers={"User-Agent": "some-client/1.0"}) as http,
        http.request(method, URL(f"{url}{path}", encoded=True), **options) as answer,  # type: ignore[arg-type]
    ):
        return answer.status


def without_times(lines: Sequence[str]) -> list[str]:
    return [re.sub(r"^\S+Z (.*) [\d.]+ms ", r"\1 ", line) for line in lines]


async def test_a_refusal_is_told_with_its_code_and_who_asked():
    lines: list[str] = []
    async with logged(lines) as url:
        assert await send(url, "GET", f"/models{QUERY}") == 200
        assert await send(url, "GET", f"/digitaltwins/nobody{QUERY}") == 404
        assert await send(url, "GET", "/models?api-version=1999-01-01") == 400
        assert await send(url, "GET", "/nowhere") == 404
        assert await send(url, "PATCH", "/models") == 405
    assert without_times(lines) == [
        "GET /digitaltwins/nobody?api-version=2023-10-31 404 DigitalTwinNotFound some-client/1.0",
        "GET /models?api-version=1999-01-01 400 UnsupportedApiVersion some-client/1.0",
        "GET /nowhere 404 - some-client/1.0",
        "PATCH /models 405 - some-client/1.0",
    ]
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z GET .* 404 DigitalTwinNotFound \d+\.\dms ", lines[0])


async def test_all_requests_are_told_if_asked_for():
    lines: list[str] = []
    async with logged(lines, log_requests="all") as url:
        assert await send(url, "POST", f"/models{QUERY}", json=MODELS[:1]) == 201
        assert await send(url, "GET", "/") == 200
    assert without_times(lines) == [
        "POST /models?api-version=2023-10-31 201 - some-client/1.0",
        "GET / 200 - some-client/1.0",
    ]


async def test_nothing_is_told_if_asked_for():
    lines: list[str] = []
    async with logged(lines, log_requests="none") as url:
        assert await send(url, "GET", "/nowhere") == 404
    assert lines == []


async def test_a_body_that_is_too_large_is_told():
    lines: list[str] = []
    async with logged(lines, max_request_bytes=100) as url:
        assert await send(url, "PUT", f"/digitaltwins/a{QUERY}", data=b"x" * 101) == 413
    assert without_times(lines) == [
        "PUT /digitaltwins/a?api-version=2023-10-31 413 RequestBodyTooLarge some-client/1.0"
    ]


async def test_an_answer_that_was_lost_on_purpose_is_told():
    lines: list[str] = []
    async with logged(lines, inject="lost") as url:
        with pytest.raises(aiohttp.ClientError):
            await send(url, "POST", f"/models{QUERY}", json=MODELS)
    assert [line.split()[4] for line in lines] == ["AnswerLost"]


async def test_credentials_are_never_told():
    lines: list[str] = []
    headers = {"Authorization": "Bearer the-token", "X-IDENTITY-HEADER": "the-secret"}
    async with logged(lines, log_requests="all") as url:
        await send(url, "GET", f"/jobs/imports{QUERY}&sig=the%20signature&x=1", headers=headers)
        await send(
            url, "PUT", f"/jobs/imports/j{QUERY}", headers=headers, json={"inputBlobUri": "https://a/?sig=the-s"}
        )
    assert len(lines) == 2
    assert "sig=...&x=1" in lines[0]
    assert not any(secret in line for line in lines for secret in ("the-", "the%20"))


async def test_what_a_caller_sends_beyond_plain_characters_is_escaped():
    lines: list[str] = []
    async with logged(lines) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
        writer.write(b"GET /nowhere HTTP/1.1\r\nHost: a\r\nUser-Agent: a\xff \xc2\x85\tx\r\n\r\n")
        assert b"404" in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert without_times(lines) == ["GET /nowhere 404 - a%FF %C2%85%09x"]


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/a?Sig=x&b=c", "/a?Sig=...&b=c"),
        ("/a?access_token=x%3D", "/a?access_token=..."),
        ("/a?continuationToken=abc", "/a?continuationToken=..."),
        ("/a?sig", "/a?sig"),
        ("/a?%73ig=x&sig%3Dx&sas=x&Authorization=x&pwd=x", "/a?%73ig=...&sig=...&sas=...&Authorization=...&pwd=..."),
        ("/a?api-version=1;sig=x", "/a?api-version=..."),
        ("/a?blob=https%3A%2F%2Fb%2Fc%3Fsv%3D1%26sig%3Dx", "/a?blob=..."),
        ("/jobs/imports/https%3A%2F%2Fb%3Fsig%3Dx/cancel?a=b", "/jobs/imports/https%3A%2F%2Fb%3Fsig=.../cancel?a=b"),
        ("/a?relationshipName=keyboard&b=c=d", "/a?relationshipName=keyboard&b=c=d"),
        ("/a?sig=" + "x" * 3_000, "/a?sig=..."),
        ("/a\x00\n\x1b b", "/a%00%0A%1B%20b"),
        ("/a\udcff", "/a%FF"),
        ("/" + "x" * 3_000, "/" + "x" * 1_999 + "..."),
    ],
)
def test_targets_are_shown_without_secrets_and_in_one_short_line(target: str, shown: str):
    assert shown_target(target) == shown


async def test_the_command_writes_it_to_standard_error():
    server = await start("--http", "--data-dir", ":memory:", stderr=asyncio.subprocess.PIPE)
    assert await send(server.url, "GET", "/nowhere") == 404
    assert server.process.stderr
    line = await asyncio.wait_for(server.process.stderr.readline(), 20)
    assert await server.stop() == 0
    assert without_times([line.decode()]) == ["GET /nowhere 404 - some-client/1.0\n"]


async def test_a_log_that_nobody_reads_any_more_harms_no_request():
    reading, writing = os.pipe()
    server = await start("--http", "--data-dir", ":memory:", stderr=writing)
    os.close(writing)
    os.close(reading)
    assert await send(server.url, "GET", "/nowhere") == 404
    assert await send(server.url, "GET", f"/models{QUERY}") == 200
    assert await server.stop() == 0
