"""Nobody but their owner may read what localtwins writes, whatever the umask is and whoever wrote it before."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localtwins import LocalTwins, Settings
from localtwins.certificate import development_certificate

from .adt import MACHINE_TWIN, MODELS, Adt

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights are not bits there")

PUBLIC = {"ca.pem", "server.pem"}
"""What clients are to read in the folder `tls`."""


@pytest.fixture(params=[0o022, 0o000], ids=["umask 022", "umask 000"], autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def rights(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def rights_below(folder: Path) -> dict[str, str]:
    return {path.name: rights(path) for path in folder.rglob("*") if path.is_file()}


async def used(data_dir: Path, settings: Settings) -> dict[str, str]:
    """The rights of the files of a service while it is in use."""
    service = await LocalTwins.open(data_dir, settings)
    adt = Adt(service)
    await adt.post("/models", MODELS)
    await adt.put("/digitaltwins/m", MACHINE_TWIN)
    found = rights_below(data_dir)
    await service.close()
    return found


async def test_a_new_data_directory_is_its_owners_alone(tmp_path: Path):
    data_dir = tmp_path / "made" / "data"
    found = await used(data_dir, Settings(query_lag=1))
    assert {"localtwins.db", "localtwins.db-wal", "localtwins.db-shm", "queries.db", "localtwins.lock"} <= found.keys()
    assert set(found.values()) == {"0o600"}
    assert rights(data_dir) == "0o700"


async def test_a_data_directory_that_others_could_read_is_closed_to_them_with_the_next_start(tmp_path: Path):
    data_dir = tmp_path / "data"
    await used(data_dir, Settings())
    (data_dir / "localtwins.db-wal").write_bytes(b"")
    for path in (data_dir, *data_dir.iterdir()):
        path.chmod(0o777)
    assert set((await used(data_dir, Settings())).values()) == {"0o600"}
    assert rights(data_dir) == "0o700"


async def test_an_empty_directory_becomes_one_of_its_owner(tmp_path: Path):
    data_dir = tmp_path / "mounted"
    data_dir.mkdir(mode=0o755)
    await used(data_dir, Settings())
    assert rights(data_dir) == "0o700"


@pytest.mark.parametrize(("mode", "other"), [(0o755, "a file of others"), (0o1777, None)])
async def test_a_directory_that_belongs_to_more_keeps_its_rights(tmp_path: Path, mode: int, other: str | None):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    if other:
        (folder / other).touch()
    found = await used(folder, Settings())
    assert rights(folder) == oct(mode)
    assert found["localtwins.db"] == "0o600"


async def test_files_of_events_and_logs_of_jobs_are_made_for_their_owner_alone(tmp_path: Path):
    events, jobs = tmp_path / "events.ndjson", tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "in").write_text('{"Section": "Header"}\n{"fileVersion": "1.0.0"}\n')
    settings = Settings(endpoint={"events": f"file:{events}"}, jobs_dir=str(jobs))
    service = await LocalTwins.open(tmp_path / "data", settings)
    adt = Adt(service)
    await adt.post("/models", MODELS)
    assert (await adt.put("/eventroutes/r", {"endpointName": "events", "filter": "true"})).status == 204
    await adt.put("/digitaltwins/m", MACHINE_TWIN)
    blobs = {"inputBlobUri": "file:in", "outputBlobUri": "file:out"}
    assert (await adt.put("/jobs/imports/j", blobs)).status == 201
    async with asyncio.timeout(20):
        while not events.exists() or not (jobs / "out").exists():
            await asyncio.sleep(0.01)
    await service.close()
    assert (rights(events), rights(jobs / "out")) == ("0o600", "0o600")
    assert json.loads(events.read_text().splitlines()[0])["subject"] == "m"


def test_keys_are_their_owners_alone_and_certificates_for_all_to_read(tmp_path: Path):
    development_certificate(tmp_path / "tls")
    found = rights_below(tmp_path / "tls")
    assert {found[name] for name in PUBLIC} == {"0o644"}
    keys = found.keys() - PUBLIC
    assert "server-key.pem" in keys
    assert {found[name] for name in keys} == {"0o600"}
    for name in keys:
        (tmp_path / "tls" / name).chmod(0o666)
    development_certificate(tmp_path / "tls")
    assert {rights(tmp_path / "tls" / name) for name in keys} == {"0o600"}
