"""Litestream with the configuration that is shipped: what was acknowledged before a crash is in the restored copy."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.localtwins.adt import MODELS, ROOM_TWIN
from tests.localtwins.serving import start
from tests.tools import GoTool

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy/litestream/litestream.yml"
LITESTREAM = GoTool("litestream", "github.com/benbjohnson/litestream/cmd/litestream", "v0.5.17")
QUERY = "api-version=2023-10-31"
TWINS = 400

# The tool's build is no part of the test that happens to come first.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def litestream() -> Path:
    return LITESTREAM.path()


async def write(url: str) -> None:
    """Creates twins, each with a relationship to the one before, sixteen at a time."""
    async with aiohttp.ClientSession(url) as http:

        async def send(method: str, path: str, document: Any) -> None:
            async with http.request(method, f"{path}?{QUERY}", json=document) as answered:
                assert answered.status < 300, await answered.text()

        await send("POST", "/models", MODELS)
        for first in range(0, TWINS, 16):
            numbers = range(first, min(first + 16, TWINS))
            await asyncio.gather(*(send("PUT", f"/digitaltwins/room-{n}", ROOM_TWIN | {"seats": n}) for n in numbers))
            for n in numbers:
                joined = {"$relationshipName": "adjacentTo", "$targetId": f"room-{abs(n - 1)}"}
                await send("PUT", f"/digitaltwins/room-{n}/relationships/r", joined)


async def graph(folder: Path) -> list[Any]:
    """All twins and relationships of a data folder, etags and times included."""
    server = await start("--http", "--data-dir", str(folder))
    rows: list[Any] = []
    try:
        async with aiohttp.ClientSession(server.url) as http:
            for collection in ("digitaltwins", "relationships"):
                asked: dict[str, Any] | None = {"query": f"SELECT * FROM {collection}"}
                while asked is not None:
                    async with http.post(f"/query?{QUERY}", json=asked) as answered:
                        page = await answered.json()
                    rows += page["value"]
                    token = page["continuationToken"]
                    asked = {"continuationToken": token} if token else None
    finally:
        assert await server.stop() == 0
    return sorted(rows, key=str)


async def test_a_copy_restored_after_a_crash_has_all_acknowledged_writes(litestream: Path, tmp_path: Path) -> None:
    data, restored = tmp_path / "data", tmp_path / "restored"
    variables = os.environ | {"TWINS_DATA_DIR": str(data), "TWINS_REPLICA_URL": f"file://{tmp_path / 'replica'}"}
    server = await start("--http", "--data-dir", str(data))
    copying = await asyncio.create_subprocess_exec(litestream, "replicate", "-config", CONFIGURATION, env=variables)
    try:
        await write(server.url)
        await server.kill()
        # It copies once a second, and once more when it is told to end.
        await asyncio.sleep(2)
    finally:
        copying.terminate()
        await asyncio.wait_for(copying.wait(), 60)

    restored.mkdir(mode=0o700)
    words: list[str | Path] = ["-config", CONFIGURATION, "-o", restored / "localtwins.db", data / "localtwins.db"]
    restoring = await asyncio.create_subprocess_exec(litestream, "restore", *words, env=variables)
    assert await restoring.wait() == 0
    shutil.copytree(data, tmp_path / "recovered", ignore=shutil.ignore_patterns("*.lock", ".*litestream*", "*.db-shm"))

    there = await graph(restored)
    assert len(there) == 2 * TWINS
    assert there == await graph(tmp_path / "recovered")
