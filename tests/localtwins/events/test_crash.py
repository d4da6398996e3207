"""At least once, whatever happens: a server that delivers under load is killed again and again."""

import asyncio
import json
import random
import signal
from pathlib import Path

import aiohttp
import pytest

from localtwins import LocalTwins

from ..adt import ROOM_TWIN, Adt
from ..serving import Server, start
from .conftest import create_graph

KILLS = 6
TWINS = 8
QUERY = "?api-version=2023-10-31"


class Writer:
    """Counts up on a twin of its own."""

    def __init__(self, number: int) -> None:
        self.twin_id = f"counter{number}"
        self.sent = 0
        self.acknowledged: list[int] = []

    async def load(self, http: aiohttp.ClientSession, server: Server) -> None:
        """Write until the server is gone."""
        url = f"{server.url}/digitaltwins/{self.twin_id}{QUERY}"
        try:
            while True:
                self.sent += 1
                async with http.patch(url, json=[{"op": "add", "path": "/seats", "value": self.sent}]) as answer:
                    assert answer.status == 204, await answer.text()
                self.acknowledged.append(self.sent)
        except aiohttp.ClientError:
            return


def delivered(path: Path) -> dict[str, list[int]]:
    """What came from each twin, without what came again."""
    seen: set[str] = set()
    by_twin: dict[str, list[int]] = {}
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # a line that was being written at a kill
            continue
        if event["id"] not in seen:
            seen.add(event["id"])
            by_twin.setdefault(event["subject"], []).append(event["data"]["patch"][0]["value"])
    return by_twin


@pytest.mark.timeout(120)
async def test_every_acknowledged_change_is_delivered_in_order_across_kills(tmp_path: Path):
    writers = [Writer(number) for number in range(TWINS)]
    adt = Adt(await LocalTwins.open(tmp_path / "data"))
    await create_graph(adt)
    for writer in writers:
        assert (await adt.put(f"/digitaltwins/{writer.twin_id}", ROOM_TWIN)).status == 200
    await adt.service.close()
    path = tmp_path / "events.ndjson"
    flags = ("--http", "--data-dir", str(tmp_path / "data"), "--endpoint", f"file=file:{path}")
    server = await start(*flags)
    async with aiohttp.ClientSession() as http:
        body = {"endpointName": "file", "filter": "true"}
        async with http.put(f"{server.url}/eventroutes/route{QUERY}", json=body) as answer:
            assert answer.status == 204
    for _ in range(KILLS):
        async with aiohttp.ClientSession() as http:
            load = [asyncio.ensure_future(writer.load(http, server)) for writer in writers]
            await asyncio.sleep(random.uniform(0.05, 1.5))
            server.process.send_signal(signal.SIGKILL)
            await server.process.wait()
            await asyncio.gather(*load)
        server = await start(*flags)
    last = {writer.twin_id: writer.acknowledged[-1] for writer in writers}
    async with asyncio.timeout(30):
        while any(delivered(path).get(twin_id, [0])[-1] < number for twin_id, number in last.items()):
            await asyncio.sleep(0.1)
    assert await server.stop() == 0
    events = delivered(path)
    for writer in writers:
        numbers = events[writer.twin_id]
        assert numbers == sorted(set(numbers))
        assert set(writer.acknowledged) <= set(numbers)
