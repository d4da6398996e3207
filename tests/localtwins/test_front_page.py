"""What the root of the service says."""

from collections.abc import AsyncIterator
from importlib import metadata

import aiohttp
import pytest

from localtwins.rest.call import API_VERSIONS

from .serving import Server, serving


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving("--http", "--data-dir", ":memory:") as server:
        yield server


async def test_the_front_page_tells_what_this_is(server: Server):
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/") as answer:
        text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/plain")
    assert f"localtwins {metadata.version('twinfront')}" in text
    assert "docs/localtwins.md" in text
    assert all(version in text for version in API_VERSIONS)


async def test_the_front_page_names_a_request_that_works(server: Server):
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{server.url}/") as answer:
            [path] = [line.split()[1] for line in (await answer.text()).splitlines() if line.startswith("    GET ")]
        async with http.get(f"{server.url}{path}") as answer:
            assert await answer.json() == {"value": [], "nextLink": None}


async def test_the_front_page_answers_probes(server: Server):
    async with aiohttp.ClientSession() as http:
        async with http.head(f"{server.url}/") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        async with http.get(f"{server.url}/?probe=1") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_the_front_page_can_only_be_read(server: Server, method: str):
    async with aiohttp.ClientSession() as http, http.request(method, f"{server.url}/") as answer:
        assert answer.status == 404
