"""Pages of other sites in a browser on this machine, which may send requests and see no answers."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from .serving import Server, serving

VERSION = "api-version=2023-10-31"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving("--http", "--data-dir", ":memory:") as server:
        yield server


async def sent(server: Server, method: str, path: str, site: str | None) -> tuple[int, str]:
    headers = {} if site is None else {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Origin": "https://other"}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{server.url}{path}?{VERSION}", headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("x-ms-error-code", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/jobs/deletions"),
        ("POST", "/models"),
        ("POST", "/query"),
        ("PUT", "/digitaltwins/a"),
        ("DELETE", "/digitaltwins/a"),
        ("POST", "/nowhere"),
    ],
)
async def test_a_page_of_another_site_changes_nothing(server: Server, method: str, path: str):
    assert await sent(server, method, path, "cross-site") == (403, "CrossSiteRequest")


@pytest.mark.parametrize("site", [None, "same-origin", "same-site", "none"])
async def test_programs_and_pages_of_this_machine_do(server: Server, site: str | None):
    status, _ = await sent(server, "POST", "/jobs/deletions", site)
    assert status == 202


async def test_a_link_on_a_page_of_another_site_can_be_followed(server: Server):
    assert (await sent(server, "GET", "/", "cross-site"))[0] == 200
    assert (await sent(server, "GET", "/models", "cross-site"))[0] == 200


async def test_no_page_of_another_site_is_told_that_it_may_see_an_answer(server: Server):
    async with aiohttp.ClientSession() as http, http.options(f"{server.url}/models?{VERSION}") as answer:
        assert answer.status == 405
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
