"""A full disk, a locked, damaged or unwritable database, and kills at the worst moments.

Whatever happens, the process lives and answers with an error of the service, nothing acknowledged is lost, and it works
again when the cause is gone; a start that cannot be ends with one line.
"""

import asyncio
import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localtwins import LocalTwins, Settings, StartupError
from localtwins.store import schema
from localtwins.store.transaction import Transaction

from .adt import MACHINE_TWIN, MODELS, ROOM_TWIN, Adt, parsed
from .serving import Server, refused, serving, start

QUERY = "?api-version=2023-10-31"
FILE_SIZE = "a file-size limit that can be set on a running process stands for the disk, and only Linux has it"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason=FILE_SIZE)


def room(version: int) -> dict[str, Any]:
    return {**ROOM_TWIN, "seats": version, "label": "x" * 1000}


async def put(http: aiohttp.ClientSession, server: Server, twin_id: str, version: int = 0) -> int:
    """Put a room, and give the status; what is not a success must be the service's error."""
    async with http.put(f"{server.url}/digitaltwins/{twin_id}{QUERY}", json=room(version)) as answer:
        if answer.status != 200:
            assert (await answer.json())["error"]["code"] == "ServiceUnavailable"
        return answer.status


async def seats(http: aiohttp.ClientSession, server: Server, twin_id: str) -> int | None:
    async with http.get(f"{server.url}/digitaltwins/{twin_id}{QUERY}") as answer:
        return int((await answer.json())["seats"]) if answer.status == 200 else None


@asynccontextmanager
async def serving_models(data_dir: Path, *arguments: str) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    async with (
        serving("--http", "--data-dir", str(data_dir), *arguments) as server,
        aiohttp.ClientSession() as http,
    ):
        async with http.post(f"{server.url}/models{QUERY}", json=MODELS) as answer:
            assert answer.status in {201, 409}
        yield server, http


async def stored(data_dir: Path) -> dict[str, int]:
    """The rooms in a data directory, and that its database is sound."""
    await (await LocalTwins.open(data_dir)).close()
    with closing(sqlite3.connect(data_dir / "localtwins.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return dict(database.execute("SELECT id, document ->> 'seats' FROM digital_twins").fetchall())


@contextmanager
def full_disk(server: Server, data_dir: Path, room_left: int = 0) -> Iterator[None]:
    """No file of the server may grow, beyond a little."""
    largest = max(file.stat().st_size for file in data_dir.iterdir())
    unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest + room_left, unlimited[1]))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)


@on_linux
async def test_on_a_full_disk_writes_are_refused_and_reads_answered_until_there_is_space(tmp_path: Path):
    acknowledged: dict[str, int] = {}
    refusals = 0

    async def write(number: int) -> None:
        nonlocal refusals
        for version in range(30):
            if await put(http, server, f"room{number}", version) == 200:
                acknowledged[f"room{number}"] = version
            else:
                refusals += 1

    async with serving_models(tmp_path) as (server, http):
        with full_disk(server, tmp_path, room_left=200_000):
            await asyncio.gather(*(write(number) for number in range(16)))
            assert refusals > 0
            for twin_id, version in acknowledged.items():
                assert await seats(http, server, twin_id) == version
        assert await put(http, server, "afterwards", 1) == 200
    assert await stored(tmp_path) == {**acknowledged, "afterwards": 1}


@on_linux
async def test_a_server_ends_cleanly_on_a_full_disk(tmp_path: Path):
    endpoint = f"events=file:{tmp_path / 'events'}"
    server = await start("--http", "--data-dir", str(tmp_path), "--endpoint", endpoint)
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{server.url}/models{QUERY}", json=MODELS):
            pass
        route = {"endpointName": "events", "filter": "true"}
        async with http.put(f"{server.url}/eventroutes/all{QUERY}", json=route) as answer:
            assert answer.status == 204
        assert await put(http, server, "room", 7) == 200
    with full_disk(server, tmp_path):
        assert await server.stop() == 0
    assert await stored(tmp_path) == {"room": 7}


def limited(file_size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, resource.RLIM_INFINITY))


def start_under(condition: Callable[[], None], data_dir: Path) -> "subprocess.CompletedProcess[str]":
    """A start that must fail, in a process for which a condition was set first."""
    return subprocess.run(
        [sys.executable, "-m", "localtwins", "serve", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir)],
        preexec_fn=condition,  # noqa: PLW1509 - it makes one system call
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@on_linux
@pytest.mark.parametrize("file_size", [0, 1000, 5000, 40_000])
async def test_a_disk_that_is_full_at_the_first_start_is_told(tmp_path: Path, file_size: int):
    process = await asyncio.to_thread(start_under, limited(file_size), tmp_path)
    assert process.returncode == 1
    assert process.stderr.startswith("localtwins: The database")
    assert "See whether the disk is full" in process.stderr
    assert process.stderr.count("\n") == 1
    async with serving_models(tmp_path) as (server, http):
        assert await put(http, server, "room") == 200


@on_linux
async def test_a_disk_that_is_full_at_a_later_start_is_told_and_nothing_is_lost(tmp_path: Path):
    async with serving_models(tmp_path) as (server, http):
        assert await put(http, server, "room", 3) == 200
        server.process.kill()
        await server.process.wait()
    process = await asyncio.to_thread(start_under, limited(0), tmp_path)
    assert (process.returncode, process.stderr.count("\n")) == (1, 1)
    assert await stored(tmp_path) == {"room": 3}


async def test_a_development_certificate_whose_making_was_cut_short_is_made_anew(tmp_path: Path):
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_text("an authority without a certificate")
    (tmp_path / "tls" / "server.new").write_text("half of a certif")
    async with serving("--data-dir", str(tmp_path)) as server:
        assert server.url.startswith("https://")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[LocalTwins]:
    service = await LocalTwins.open(tmp_path)
    assert (await Adt(service).post("/models", MODELS)).status == 201
    yield service
    await service.close()


async def test_a_database_that_cannot_grow_refuses_writes_and_answers_reads(service: LocalTwins):
    adt = Adt(service)
    connection = service._database._writer._connection
    assert (await adt.put("/digitaltwins/machine", MACHINE_TWIN)).status == 200
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 5}")
    results = await asyncio.gather(*(adt.put(f"/digitaltwins/room{number}", room(number)) for number in range(50)))
    assert {answer.status for answer in results} == {200, 503}
    assert all("database or disk is full" in answer.message for answer in results if answer.status == 503)
    for number, answer in enumerate(results):
        found = await adt.get(f"/digitaltwins/room{number}")
        assert found.status == (200 if answer.status == 200 else 404)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert (await adt.put("/digitaltwins/room", room(0))).status == 200


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Another program writes to the database and does not come to an end."""
    with closing(sqlite3.connect(data_dir / "localtwins.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_while_another_program_holds_the_database_writes_are_refused_and_reads_answered(
    service: LocalTwins, tmp_path: Path
):
    adt = Adt(service)
    assert (await adt.put("/digitaltwins/machine", MACHINE_TWIN)).status == 200
    service._database._writer._connection.execute("PRAGMA busy_timeout = 50")
    with locked(tmp_path):
        refusal = await adt.put("/digitaltwins/room", ROOM_TWIN)
        assert (refusal.status, refusal.code) == (503, "ServiceUnavailable")
        assert "database is locked" in refusal.message
        assert (await adt.get("/digitaltwins/machine")).status == 200
    assert (await adt.get("/digitaltwins/room")).status == 404
    assert (await adt.put("/digitaltwins/room", ROOM_TWIN)).status == 200


async def test_writes_that_cannot_begin_wait_for_the_lock_together(service: LocalTwins, tmp_path: Path):
    connection = service._database._writer._connection
    connection.execute("PRAGMA busy_timeout = 50")
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    with locked(tmp_path):
        rooms = (Adt(service).put(f"/digitaltwins/room{number}", ROOM_TWIN) for number in range(30))
        assert {answer.status for answer in await asyncio.gather(*rooms)} == {503}
    connection.set_trace_callback(None)
    assert statements.count("BEGIN IMMEDIATE") <= 2  # the first write may have gone alone


async def test_a_database_that_another_program_holds_at_the_start_is_told(tmp_path: Path):
    await (await LocalTwins.open(tmp_path)).close()
    with closing(sqlite3.connect(tmp_path / "localtwins.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        status, text = await refused("--http", "--data-dir", str(tmp_path))
    assert (status, text.count("\n")) == (1, 1)
    assert "database is locked. Another program has it locked: close that program first." in text
    await (await LocalTwins.open(tmp_path)).close()


TABLES = {
    "digital_twins": "/digitaltwins/room1",
    "models": "/models/dtmi%3Atest%3ARoom%3B1",
    "relationships": "/digitaltwins/room1/relationships/r",
    "totals": "",
    "changes": "",
    "event_routes": "/eventroutes/all",
    "jobs": "/jobs/imports",
}


@pytest.mark.parametrize("table", TABLES)
async def test_a_damaged_table_gives_errors_and_leaves_the_rest_usable(tmp_path: Path, table: str):
    data_dir, backup = tmp_path / "data", tmp_path / "backup.db"
    endpoint = ("--endpoint", f"events=file:{tmp_path / 'events'}")
    async with serving_models(data_dir, *endpoint) as (server, http):
        await put(http, server, "room1")
        await put(http, server, "room2")
    database_file = data_dir / "localtwins.db"
    shutil.copy(database_file, backup)
    with closing(sqlite3.connect(database_file)) as database:
        (page_size,) = database.execute("PRAGMA page_size").fetchone()
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    with database_file.open("r+b") as file:
        file.seek((page - 1) * page_size)
        file.write(b"\xff" * page_size)

    async with serving_models_unless_refused(data_dir, *endpoint) as (server, http):
        for path in filter(None, {*TABLES.values()}):
            async with http.get(f"{server.url}{path}{QUERY}") as answer:
                assert path != TABLES[table] or answer.status == 503, path
                assert answer.status < 500 or (await answer.json())["error"]["code"] == "ServiceUnavailable"
        await put(http, server, "room1", 1)
        assert server.process.returncode is None
    shutil.copy(backup, database_file)
    assert await stored(data_dir) == {"room1": 0, "room2": 0}


@asynccontextmanager
async def serving_models_unless_refused(
    data_dir: Path, *arguments: str
) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    async with serving("--http", "--data-dir", str(data_dir), *arguments) as server, aiohttp.ClientSession() as http:
        yield server, http


async def test_a_log_that_is_damaged_at_its_end_loses_no_more_than_that(tmp_path: Path):
    async with serving_models(tmp_path) as (server, http):
        for number in range(60):
            assert await put(http, server, f"room{number}", number) == 200
        server.process.kill()
        await server.process.wait()
    log = tmp_path / "localtwins.db-wal"
    size = log.stat().st_size
    with log.open("r+b") as file:
        file.seek(size * 2 // 3)
        file.write(os.urandom(size // 3))
    found = await stored(tmp_path)
    assert 0 < len(found) < 60
    assert found == {f"room{number}": number for number in range(len(found))}


def without_power_over_permissions() -> None:
    """Give up what lets root write everywhere; for others nothing changes."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


@pytest.mark.skipif(sys.platform != "linux", reason="permissions bind root too only on Linux")
async def test_a_directory_that_becomes_unwritable_while_serving(tmp_path: Path):
    data_dir = tmp_path / "data"
    port_file = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "localtwins", "serve", "--http", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir)],
        preexec_fn=without_power_over_permissions,  # noqa: PLW1509 - it makes one system call
        stdout=subprocess.PIPE,
        text=True,
    )
