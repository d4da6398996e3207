"""An acknowledged write survives `kill -9`, nothing is ever half-written, and the log of changes is what the graph is.

A server is loaded by concurrent writers and killed at a random moment, again and again on one data directory. Each
writer knows for each of its resources what was acknowledged last and what was under way. TWINFRONT_KILLS sets the
number of kills.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from localtwins import LocalTwins

from .adt import MODELS, ROOM_TWIN, Adt, replace
from .copying import Document, follow, graph_of, without_times
from .serving import Server, start

KILLS = int(os.environ.get("TWINFRONT_KILLS", "20"))
WRITERS = 16
RESOURCES = 6
QUERY = "api-version=2023-10-31"

State = int | None  # the version that was written, None for a resource that is not there


@dataclass
class Resource:
    """A twin or a relationship that one writer owns."""

    path: str
    acknowledged: State = None
    under_way: State = None
    unsure: bool = False

    @property
    def possible(self) -> set[State]:
        return {self.acknowledged, self.under_way} if self.unsure else {self.acknowledged}


def _body(path: str, version: int) -> dict[str, object]:
    if "relationships" in path:
        return {"$relationshipName": "servedBy", "$targetId": "machine", "note": str(version)}
    return {**ROOM_TWIN, "seats": version, "label": "x" * random.randrange(2000)}


def _version(document: dict[str, object]) -> int:
    return int(str(document["note"] if "note" in document else document["seats"]))


class Writer:
    """Writes its resources in random order, one request at a time."""

    def __init__(self, number: int) -> None:
        home = f"/digitaltwins/home{number}"
        self.resources = [Resource(f"/digitaltwins/room{number}-{index}") for index in range(RESOURCES)]
        self.resources += [Resource(f"{home}/relationships/r{index}") for index in range(RESOURCES)]
        self.home = home
        self.writes = 0

    async def load(self, http: aiohttp.ClientSession, server: Server) -> None:
        """Write until the server is gone."""
        try:
            while True:
                await self._write(http, server, random.choice(self.resources))
        except aiohttp.ClientError:
            return

    async def _write(self, http: aiohttp.ClientSession, server: Server, resource: Resource) -> None:
        self.writes += 1
        version: State = self.writes
        url = f"{server.url}{resource.path}?{QUERY}"
        member = "note" if "relationships" in resource.path else "seats"
        kind = random.choice(("put", "patch", "patch", "delete"))
        if resource.acknowledged is None:
            kind = "put"
        resource.under_way, resource.unsure = (None if kind == "delete" else version), True
        if kind == "put":
            request = http.put(url, json=_body(resource.path, self.writes))
        elif kind == "patch":
            request = http.patch(url, json=[replace(f"/{member}", str(version) if member == "note" else version)])
        else:
            request = http.delete(url)
        async with request as answer:
            await answer.read()
            assert answer.status < 300, (kind, resource, await answer.text())
        resource.acknowledged, resource.unsure = resource.under_way, False


async def _set_up(data_dir: Path, writers: list[Writer]) -> None:
    service = await LocalTwins.open(data_dir)
    adt = Adt(service)
    assert (await adt.post("/models", MODELS)).status == 201
    assert (await adt.put("/digitaltwins/machine", {"$metadata": {"$model": "dtmi:test:Machine;1"}})).status == 200
    for writer in writers:
        assert (await adt.put(writer.home, ROOM_TWIN)).status == 200
    await service.close()


class Follower:
    """Has a copy of the graph, made from the log of changes alone."""

    def __init__(self, writers: list[Writer]) -> None:
        self._position = 0
        self._twins = ["machine"]
        for writer in writers:
            self._twins += [writer.home, *(resource.path for resource in writer.resources)]
        self._copy: dict[str, Document] = {}

    async def check(self, adt: Adt) -> None:
        """Reads what is new in the log, and holds the copy against the graph, etags included."""
        while changes := adt.service.changes.read(self._position, 1000):
            follow(changes, self._copy)
            self._position = changes[-1].position
        twins = [path.removeprefix("/digitaltwins/") for path in self._twins if "relationships" not in path]
        assert without_times(self._copy) == without_times(await graph_of(adt, twins))


async def _check(data_dir: Path, writers: list[Writer], follower: Follower) -> None:
    service = await LocalTwins.open(data_dir)
    adt = Adt(service)
    for writer in writers:
        for resource in writer.resources:
            answer = await adt.get(resource.path)
            state = _version(answer.body) if answer.status == 200 else None
            assert state in resource.possible, resource
            resource.acknowledged, resource.unsure = state, False
    await follower.check(adt)
    await service.close()


def _check_file(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "localtwins.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for table in ("digital_twins", "relationships"):
            rows = database.execute(f"SELECT etag, document FROM {table}").fetchall()
            assert all(json.loads(document)["$etag"] == etag for etag, document in rows)
            total = database.execute("SELECT count FROM totals WHERE kind = ?", (table,)).fetchone()[0]
            assert total == len(rows)
        counted = database.execute(
            "SELECT twin_id, outgoing, incoming FROM relationship_counts WHERE outgoing + incoming > 0 ORDER BY twin_id"
        ).fetchall()
        actual = database.execute(
            "SELECT id, (SELECT count(*) FROM relationships WHERE source_id = t.id) AS outgoing,"
            " (SELECT count(*) FROM relationships WHERE target_id = t.id) AS incoming"
            " FROM digital_twins AS t WHERE outgoing + incoming > 0 ORDER BY id"
        ).fetchall()
        assert counted == actual


@pytest.mark.timeout(60 + 6 * KILLS)
async def test_acknowledged_writes_survive_kills(tmp_path: Path):
    writers = [Writer(number) for number in range(WRITERS)]
    await _set_up(tmp_path, writers)
    follower = Follower(writers)
    for _ in range(KILLS):
        server = await start("--http", "--data-dir", str(tmp_path))
        async with aiohttp.ClientSession() as http:
            load = [asyncio.ensure_future(writer.load(http, server)) for writer in writers]
            await asyncio.sleep(random.uniform(0.02, 0.8))
            server.process.send_signal(signal.SIGKILL)
            await server.process.wait()
            await asyncio.gather(*load)
        await _check(tmp_path, writers, follower)
        _check_file(tmp_path)
    assert sum(writer.writes for writer in writers) > 20 * KILLS
