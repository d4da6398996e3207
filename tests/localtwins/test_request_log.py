"""`--log-requests`: what is told of the requests, and what never is."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import structlog
from structlog.testing import LogCapture
from yarl import URL

from localtwins.http_server import HttpServer
from localtwins.service import LocalTwins
from localtwins.settings import Settings
from localtwins.shown_target import shown_target
from twinfront_program.log import Log

from .adt import MACHINE_TWIN, MODELS
from .serving import start

QUERY = "?api-version=2023-10-31"


@asynccontextmanager
async def logged(**settings: Any) -> AsyncIterator[tuple[str, list[MutableMapping[str, Any]]]]:
    """The URL of a server, and what it logs."""
    chosen = Settings(listen="127.0.0.1:0", shutdown_seconds=0, **settings)
    capture = LogCapture()
    log = cast("Log", structlog.wrap_logger(None, processors=[capture], wrapper_class=structlog.BoundLogger))
    service = await LocalTwins.open(":memory:", chosen)
    server = HttpServer(service, chosen, None, log)
    await server.start()
    yield server.url, capture.entries
    await server.stop()
    await service.close()


async def send(url: str, method: str, path: str, **options: object) -> int:
    async with (
        aiohttp.ClientSession(headers={"User-Agent": "some-client/1.0"}) as http,
        http.request(method, URL(f"{url}{path}", encoded=True), **options) as answer,  # type: ignore[arg-type]
    ):
        return answer.status


def told(lines: Sequence[MutableMapping[str, Any]]) -> list[tuple[object, ...]]:
    return [tuple(line[name] for name in ("method", "target", "status", "code", "agent")) for line in lines]


async def test_a_refusal_is_told_with_its_code_and_who_asked():
    async with logged() as (url, lines):
        assert await send(url, "GET", f"/models{QUERY}") == 200
        assert await send(url, "GET", f"/digitaltwins/nobody{QUERY}") == 404
        assert await send(url, "GET", "/models?api-version=1999-01-01") == 400
        assert await send(url, "GET", "/nowhere") == 404
        assert await send(url, "PATCH", "/models") == 405
    assert told(lines) == [
        ("GET", "/digitaltwins/nobody?api-version=2023-10-31", 404, "DigitalTwinNotFound", "some-client/1.0"),
        ("GET", "/models?api-version=1999-01-01", 400, "UnsupportedApiVersion", "some-client/1.0"),
        ("GET", "/nowhere", 404, "", "some-client/1.0"),
        ("PATCH", "/models", 405, "", "some-client/1.0"),
    ]
    assert {(line["event"], line["log_level"]) for line in lines} == {("request", "info")}
    assert all(0 < line["ms"] < 60_000 for line in lines)


async def test_all_requests_are_told_if_asked_for():
    async with logged(log_requests="all") as (url, lines):
        assert await send(url, "POST", f"/models{QUERY}", json=MODELS[:1]) == 201
        assert await send(url, "GET", "/") == 200
    assert told(lines) == [
        ("POST", "/models?api-version=2023-10-31", 201, "", "some-client/1.0"),
        ("GET", "/", 200, "", "some-client/1.0"),
    ]


async def test_nothing_is_told_if_asked_for():
    async with logged(log_requests="none") as (url, lines):
        assert await send(url, "GET", "/nowhere") == 404
    assert lines == []


async def test_a_body_that_is_too_large_is_told():
    async with logged(max_request_bytes=100) as (url, lines):
        assert await send(url, "PUT", f"/digitaltwins/a{QUERY}", data=b"x" * 101) == 413
    assert told(lines) == [
        ("PUT", "/digitaltwins/a?api-version=2023-10-31", 413, "RequestBodyTooLarge", "some-client/1.0")
    ]


async def test_an_answer_that_was_lost_on_purpose_is_told():
    async with logged(inject="lost") as (url, lines):
        with pytest.raises(aiohttp.ClientError):
            await send(url, "POST", f"/models{QUERY}", json=MODELS)
    assert [line["code"] for line in lines] == ["AnswerLost"]


async def test_credentials_are_never_told():
    headers = {"Authorization": "Bearer the-token", "X-IDENTITY-HEADER": "the-secret"}
    async with logged(log_requests="all") as (url, lines):
        await send(url, "GET", f"/jobs/imports{QUERY}&sig=the%20signature&x=1", headers=headers)
        await send(
            url, "PUT", f"/jobs/imports/j{QUERY}", headers=headers, json={"inputBlobUri": "https://a/?sig=the-s"}
        )
    assert len(lines) == 2
    assert "sig=...&x=1" in lines[0]["target"]
    assert not any(secret in str(line) for line in lines for secret in ("the-", "the%20"))


async def test_what_a_caller_sends_beyond_plain_characters_is_escaped():
    async with logged() as (url, lines):
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
        writer.write(b"GET /nowhere HTTP/1.1\r\nHost: a\r\nUser-Agent: a\xff \xc2\x85\tx\r\n\r\n")
        assert b"404" in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert told(lines) == [("GET", "/nowhere", 404, "", "a%FF %C2%85%09x")]


async def test_an_agent_that_is_long_is_cut_and_one_that_is_missing_is_empty():
    async with logged() as (url, lines):
        assert await send(url, "GET", "/nowhere", headers={"User-Agent": "x" * 4_000}) == 404
        assert await send(url, "GET", "/nowhere", skip_auto_headers=["User-Agent"], headers={"User-Agent": ""}) == 404
    assert [line["agent"] for line in lines] == ["x" * 200 + "...", ""]


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/a?Sig=x&b=c", "/a?Sig=...&b=c"),
        ("/a?access_token=x%3D", "/a?access_token=..."),
        ("/a?continuationToken=abc", "/a?continuationToken=..."),
        ("/a?sig", "/a?sig"),
        ("/a?%73ig=x&sig%3Dx&sas=x&Authorization=x&pwd=x", "/a?%73ig=...&sig=...&sas=...&Authorization=...&pwd=..."),
        ("/a?api-version=1;sig=x", "/a?api-version=..."),
        ("/a?client_secret=x&Password=x&api-key=x&code=x", "/a?client_secret=...&Password=...&api-key=...&code=..."),
        ("/a?X-Amz-Credential=x&b=c", "/a?X-Amz-Credential=...&b=c"),
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


@pytest.mark.parametrize("log_format", ["json", "auto"])
async def test_the_command_writes_it_to_standard_error_as_json(log_format: str):
    words = ["--http", "--data-dir", ":memory:", "--log-format", log_format]
    server = await start(*words, stderr=asyncio.subprocess.PIPE)
    assert await send(server.url, "GET", "/nowhere") == 404
    assert server.process.stderr
    line = json.loads(await asyncio.wait_for(server.process.stderr.readline(), 20))
    assert await server.stop() == 0
    assert told([line]) == [("GET", "/nowhere", 404, "", "some-client/1.0")]
    assert (line["event"], line["level"]) == ("request", "info")
    assert line["timestamp"].endswith("Z")


async def test_the_command_writes_it_to_standard_error_for_people():
    words = ["--http", "--data-dir", ":memory:", "--log-format=console"]
    server = await start(*words, stderr=asyncio.subprocess.PIPE)
    assert await send(server.url, "GET", "/nowhere") == 404
    assert server.process.stderr
    line = (await asyncio.wait_for(server.process.stderr.readline(), 20)).decode()
    assert await server.stop() == 0
    for words_of_it in ("[info     ] request", "method=GET", "status=404", "target=/nowhere"):
        assert words_of_it in line


async def test_a_higher_level_leaves_requests_out():
    words = ["--http", "--data-dir", ":memory:", "--log-requests=all", "--log-level=warning"]
    server = await start(*words, stderr=asyncio.subprocess.PIPE)
    assert await send(server.url, "GET", "/nowhere") == 404
    assert await server.stop() == 0
    assert server.process.stderr
    assert await server.process.stderr.read() == b""


async def test_what_a_part_says_comes_out_in_the_same_form(tmp_path: Path):
    words = ["--http", "--data-dir", str(tmp_path), "--log-format=json", "--endpoint=floor=file:/dev/null/x"]
    server = await start(*words, stderr=asyncio.subprocess.PIPE, LOCALTWINS_DATADIR="x")
    assert server.process.stderr
    unknown = json.loads(await asyncio.wait_for(server.process.stderr.readline(), 20))
    route = {"endpointName": "floor", "filter": "true"}
    assert await send(server.url, "PUT", f"/eventroutes/all{QUERY}", json=route) == 204
    assert await send(server.url, "POST", f"/models{QUERY}", json=MODELS) == 201
    assert await send(server.url, "PUT", f"/digitaltwins/machine{QUERY}", json=MACHINE_TWIN) == 200
    line = json.loads(await asyncio.wait_for(server.process.stderr.readline(), 20))
    await server.kill()
    assert unknown["event"] == "LOCALTWINS_DATADIR is no setting of the server; did you mean LOCALTWINS_DATA_DIR?"
    assert (line["event"], line["level"]) == ("delivery fails and is tried again", "warning")
    assert (line["endpoint"], line["logger"]) == ("floor", "localtwins.events.retry")
    assert "File exists: '/dev/null'" in line["reason"]


async def test_a_log_that_nobody_reads_any_more_harms_no_request():
    reading, writing = os.pipe()
    server = await start("--http", "--data-dir", ":memory:", stderr=writing)
    os.close(writing)
    os.close(reading)
    assert await send(server.url, "GET", "/nowhere") == 404
    assert await send(server.url, "GET", f"/models{QUERY}") == 200
    assert await server.stop() == 0
