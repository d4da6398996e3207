"""The identity endpoint's requests in the log, those that it has no answer for among them."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from structlog import get_logger
from structlog.testing import capture_logs
from yarl import URL

from localtwins.identity.endpoint import IdentityServer
from localtwins.request_log import Wanted
from twinfront_program.address import Address

from .conftest import SECRET


@asynccontextmanager
async def logged(wanted: Wanted) -> AsyncIterator[tuple[URL, list[MutableMapping[str, Any]]]]:
    server = IdentityServer(Address("127.0.0.1", 0), SECRET, wanted, get_logger())
    with capture_logs() as lines:
        await server.start()
        yield URL(server.url), lines
        await server.stop()


async def status(method: str, url: URL, **headers: str) -> int:
    async with aiohttp.ClientSession(headers=headers) as http, http.request(method, url) as answer:
        return answer.status


async def test_requests_that_the_endpoint_has_no_answer_for_are_told():
    async with logged("refused") as (url, lines):
        assert await status("GET", url.with_path("/nowhere")) == 404
        assert await status("DELETE", url) == 405
        assert await status("GET", url) == 400
    assert [(line["method"], line["target"], line["status"]) for line in lines] == [
        ("GET", "/nowhere", 404),
        ("DELETE", "/msi/token", 405),
        ("GET", "/msi/token", 400),
    ]
    assert all(0 <= line["ms"] < 60_000 for line in lines)


async def test_a_token_that_is_handed_out_is_told_if_all_requests_are():
    question = {"api-version": "2019-08-01", "resource": "https://digitaltwins.azure.net"}
    for wanted, count in (("all", 1), ("refused", 0), ("none", 0)):
        async with logged(wanted) as (url, lines):  # type: ignore[arg-type]
            assert await status("GET", url.with_query(question), **{"X-IDENTITY-HEADER": SECRET}) == 200
        assert len(lines) == count
        assert SECRET not in str(lines)
