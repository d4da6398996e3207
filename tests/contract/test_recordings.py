"""The service answers as Azure Digital Twins was recorded to, exchange by exchange."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from localtwins import LocalTwins, Request, Response, Settings
from localtwins.http_server import HttpServer

from . import recordings
from .recordings import Definitions, Replay

pytestmark = pytest.mark.usefixtures("shared")

_ENDPOINT = "someEventHubEndpoint"  # the one that the recorded instance has


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[LocalTwins]:
    service = await LocalTwins.open(":memory:", Settings(endpoint={_ENDPOINT: f"file:{tmp_path / 'events'}"}))
    yield service
    await service.close()


async def test_answers_as_recorded(recording_name: str, service: LocalTwins, definitions: Definitions) -> None:
    recording = recordings.load(recording_name)
    replay = Replay(service.handle)
    await replay.prepare(recording, definitions)
    await replay.run_all(recording)


async def test_answers_the_same_over_http(service: LocalTwins, definitions: Definitions) -> None:
    server = HttpServer(service, Settings(listen="127.0.0.1:0"))
    await server.start()
    async with aiohttp.ClientSession() as session:

        async def send(request: Request) -> Response:
            url = URL(f"{server.url}{request.path}?{request.query}", encoded=True)
            # The Host is what links in answers are made of.
            headers = {**request.headers, "Host": URL(recordings.BASE_URL).host or ""}
            async with session.request(request.method, url, data=request.body, headers=headers) as answer:
                return Response(answer.status, dict(answer.headers), await answer.read())

        try:
            recording = recordings.load("python-sdk/test_components.test_update_component_invalid_patch.json")
            replay = Replay(send)
            await replay.prepare(recording, definitions)
            for exchange in recording.exchanges:
                await replay.run(exchange)
        finally:
            await server.stop()
