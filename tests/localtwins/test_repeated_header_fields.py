"""Header fields that come in several lines mean what they mean in one."""

import uuid
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest

from .serving import Server, serving

MODEL = {"@id": "dtmi:example:Room;1", "@type": "Interface", "@context": "dtmi:dtdl:context;2"}
VERSION = "api-version=2023-10-31"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving("--http", "--data-dir", ":memory:") as server:
        yield server


def etag() -> str:
    return f'W/"{uuid.uuid4()}"'


@pytest.mark.parametrize("current_is", [0, 1, None])
async def test_one_of_the_etags_in_two_lines_of_if_match_has_to_be_the_current_one(
    server: Server, current_is: int | None
):
    async with aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as http:
        async with http.post(f"{server.url}/models?{VERSION}", data=orjson.dumps([MODEL])) as answer:
            assert answer.status == 201
        twin = f"{server.url}/digitaltwins/room?{VERSION}"
        async with http.put(twin, data=orjson.dumps({"$metadata": {"$model": MODEL["@id"]}})) as answer:
            current = answer.headers["ETag"]
        lines = [etag(), etag()]
        if current_is is not None:
            lines[current_is] = current
        async with http.delete(twin, headers=[("If-Match", lines[0]), ("If-Match", lines[1])]) as answer:
            assert answer.status == (412 if current_is is None else 204)
