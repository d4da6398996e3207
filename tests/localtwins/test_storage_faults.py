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
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localtwins import LocalTwins, StartupError
from localtwins.certificate import development_certificate
from localtwins.store import schema
from localtwins.store.transaction import Transaction

from .adt import MACHINE_TWIN, MODELS, ROOM_TWIN, Adt
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
    with suppress(ProcessLookupError):  # it has ended
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
    data_dir, events = tmp_path / "data", tmp_path / "events"
    server = await start("--http", "--data-dir", str(data_dir), "--endpoint", f"events=file:{events}")
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{server.url}/models{QUERY}", json=MODELS):
            pass
        route = {"endpointName": "events", "filter": "true"}
        async with http.put(f"{server.url}/eventroutes/all{QUERY}", json=route) as answer:
            assert answer.status == 204
        for version in range(3):
            assert await put(http, server, "room", version) == 200
            while not events.exists() or events.read_bytes().count(b"\n") < version + 1:
                await asyncio.sleep(0.01)
        # The events have been delivered a moment ago: how far the route is, is stored only now.
    with full_disk(server, data_dir):
        assert await server.stop() == 0
    assert await stored(data_dir) == {"room": 2}


def limited(file_size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, resource.RLIM_INFINITY))


@on_linux
@pytest.mark.parametrize("file_size", [0, 1000, 5000, 40_000])
async def test_a_disk_that_is_full_at_the_first_start_is_told(tmp_path: Path, file_size: int):
    status, text = await refused("--http", "--data-dir", str(tmp_path), condition=limited(file_size))
    assert (status, text.count("\n")) == (1, 1), text
    assert text.startswith("localtwins serve: The database")
    assert "See whether the disk is full" in text
    async with serving_models(tmp_path) as (server, http):
        assert await put(http, server, "room") == 200


@on_linux
async def test_a_disk_that_is_full_at_a_later_start_is_told_and_nothing_is_lost(tmp_path: Path):
    async with serving_models(tmp_path) as (server, http):
        assert await put(http, server, "room", 3) == 200
        await server.kill()
    status, text = await refused("--http", "--data-dir", str(tmp_path), condition=limited(0))
    assert (status, text.count("\n")) == (1, 1), text
    assert await stored(tmp_path) == {"room": 3}


@on_linux
def test_a_development_certificate_whose_making_was_cut_short_is_made_anew(tmp_path: Path):
    whole = development_certificate(tmp_path / "whole").chain.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole - 20, limits[1]))  # the last file to be written does not fit
    try:
        with pytest.raises(StartupError, match=r"The development certificate in .* cannot be used: .*too large"):
            development_certificate(tmp_path / "tls")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    made = development_certificate(tmp_path / "tls")
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(made.chain, made.key)


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
    assert all(answer.headers["localtwins-unchanged"] == "true" for answer in results if answer.status == 503)
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


async def test_a_commit_that_may_have_reached_the_disk_promises_nothing(service: LocalTwins):
    def fail(_transaction: Transaction) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "complete", fail)
        answer = await Adt(service).put("/digitaltwins/machine", MACHINE_TWIN)
    assert (answer.status, answer.code) == (503, "ServiceUnavailable")
    assert "localtwins-unchanged" not in answer.headers
    assert "Nothing was changed" not in answer.message


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


# Tables and indexes, and what cannot be read without them.
DAMAGED = {
    "digital_twins": "/digitaltwins/room1",
    "models": "/models/dtmi%3Atest%3ARoom%3B1",
    "relationships": "/digitaltwins/room1/relationships/itself",
    "event_routes": "/eventroutes",
    "totals": "",
    "changes": "",
    "one_unfinished_job": "",
}


def damage(database_file: Path, name: str) -> None:
    """Overwrite the first page of a table or an index."""
    with closing(sqlite3.connect(database_file)) as database:
        (page_size,) = database.execute("PRAGMA page_size").fetchone()
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    with database_file.open("r+b") as file:
        file.seek((page - 1) * page_size)
        file.write(b"\xff" * page_size)


@pytest.mark.parametrize("name", DAMAGED)
async def test_a_damaged_table_gives_errors_and_leaves_the_rest_usable(tmp_path: Path, name: str):
    data_dir, backup = tmp_path / "data", tmp_path / "backup.db"
    endpoint = ("--endpoint", f"events=file:{tmp_path / 'events'}")
    relationship = {"$relationshipName": "linkedTo", "$targetId": "room2"}
    async with serving_models(data_dir, *endpoint) as (server, http):
        await put(http, server, "room1")
        await put(http, server, "room2")
        async with http.put(f"{server.url}{DAMAGED['relationships']}{QUERY}", json=relationship) as answer:
            assert answer.status == 200
    database_file = data_dir / "localtwins.db"
    shutil.copy(database_file, backup)
    damage(database_file, name)

    async with serving("--http", "--data-dir", str(data_dir), *endpoint) as server, aiohttp.ClientSession() as http:
        for path in filter(None, DAMAGED.values()):
            async with http.get(f"{server.url}{path}{QUERY}") as answer:
                assert answer.status == 503 if path == DAMAGED[name] else answer.status in {200, 404}, path
                assert answer.status != 503 or (await answer.json())["error"]["code"] == "ServiceUnavailable"
        await put(http, server, "room1", 1)
        assert server.process.returncode is None
    shutil.copy(backup, database_file)
    assert await stored(data_dir) == {"room1": 0, "room2": 0}


async def test_a_damaged_schema_is_told_at_the_start(tmp_path: Path):
    await (await LocalTwins.open(tmp_path)).close()
    file = tmp_path / "localtwins.db"
    sound = file.read_bytes()
    # What SQLite says about it quotes the damage, so that it is no text itself.
    file.write_bytes(sound.replace(b"AUTOINCREMENT", b"AUTOINCREMEN\xb1"))
    with pytest.raises(StartupError, match=r"cannot be opened: .* Restore it from a backup"):
        await LocalTwins.open(tmp_path)
    file.write_bytes(sound)
    await (await LocalTwins.open(tmp_path)).close()


async def test_a_log_that_is_damaged_at_its_end_loses_no_more_than_that(tmp_path: Path):
    async with serving_models(tmp_path) as (server, http):
        for number in range(60):
            assert await put(http, server, f"room{number}", number) == 200
        await server.kill()
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


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Makes a data directory unwritable, for its owner too."""

    def take_away() -> None:
        for file in tmp_path.iterdir():
            file.chmod(0o400)
        tmp_path.chmod(0o500)

    yield take_away
    give_back(tmp_path)


def give_back(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    for file in data_dir.iterdir():
        file.chmod(0o600)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can bind root to permissions")
async def test_a_directory_that_becomes_unwritable_is_told_at_the_latest_at_the_next_start(
    tmp_path: Path, unwritable: Callable[[], None]
):
    server = await start("--http", "--data-dir", str(tmp_path), condition=without_power_over_permissions)
    acknowledged = {}
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{server.url}/models{QUERY}", json=MODELS):
            pass
        assert await put(http, server, "before") == 200
        unwritable()
        if await put(http, server, "meanwhile") == 200:  # what is open stays writable
            acknowledged["meanwhile"] = 0
        assert await seats(http, server, "before") == 0
        assert await server.stop() == 0
    status, text = await refused("--http", "--data-dir", str(tmp_path), condition=without_power_over_permissions)
    assert (status, text.count("\n")) == (1, 1), text
    assert "cannot be used: Permission denied" in text
    give_back(tmp_path)
    assert await stored(tmp_path) == {"before": 0, **acknowledged}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can bind root to permissions")
async def test_a_database_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path):
    await (await LocalTwins.open(tmp_path)).close()
    (tmp_path / "localtwins.db").chmod(0o400)
    status, text = await refused("--http", "--data-dir", str(tmp_path), condition=without_power_over_permissions)
    assert (status, text.count("\n")) == (1, 1), text
    assert "Give this user the right to write it" in text


MIGRATE_AND_DIE = """
import os, signal, sqlite3, sys
from localtwins.store import schema

statements = 0

def count(_sql):
    global statements
    statements += 1
    if statements == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.set_trace_callback(count)
schema.migrate(connection)
"""


def migrate_and_die(database: Path, statement: int) -> bool:
    """Migrate in a process that is killed at its n-th statement, and tell whether there was such a one."""
    command = [sys.executable, "-c", MIGRATE_AND_DIE, str(database), str(statement)]
    return subprocess.run(command, check=False).returncode != 0


@pytest.mark.parametrize("version", [0, 1])
async def test_a_kill_at_any_statement_of_a_migration_leaves_the_version_before_or_after(tmp_path: Path, version: int):
    database = tmp_path / "localtwins.db"
    statement = 1
    while True:
        with closing(sqlite3.connect(database)) as connection:
            if version:
                connection.executescript(schema.MIGRATIONS[0])
                connection.execute("INSERT INTO digital_twins VALUES ('room', 'model', 'etag', '{\"seats\": 1}')")
                connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
                connection.execute("PRAGMA user_version = 1")
            connection.commit()
        if not await asyncio.to_thread(migrate_and_die, database, statement):
            break
        assert await stored(tmp_path) == ({"room": 1} if version else {})
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        statement += 4
    assert statement > 10


async def test_a_server_killed_while_it_starts_starts_the_next_time(tmp_path: Path):
    for tenths in range(1, 9):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "localtwins", "serve", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path)),
            stdout=asyncio.subprocess.DEVNULL,
        )
        await asyncio.sleep(tenths / 10)
        process.kill()
        await process.wait()
    async with serving("--data-dir", str(tmp_path)) as server:
        assert server.url.startswith("https://")


async def test_a_read_waits_for_no_write(service: LocalTwins):
    adt = Adt(service)
    assert (await adt.put("/digitaltwins/room", room(1))).status == 200
    under_way, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def long_write(tx: Transaction) -> None:
        tx.delete_digital_twin("room")
        loop.call_soon_threadsafe(under_way.set)
        may_end.wait(20)

    writing = asyncio.ensure_future(service._database.write(long_write))
    await under_way.wait()
    try:
        answer = await adt.get("/digitaltwins/room")
        assert (answer.status, answer.body["seats"]) == (200, 1)
        assert not writing.done()
    finally:
        may_end.set()
        await writing
    assert (await adt.get("/digitaltwins/room")).status == 404
