"""`localtwins export` and `localtwins import`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localtwins import LocalTwins
from localtwins.errors import digital_twin_not_found

from ..adt import MODELS, Adt
from .importing import Jobs, lines, machine, room, served_by

COMPONENT = {"$metadata": {"reading": {"sourceTime": "2024-05-01T10:00:00Z"}}, "reading": 3}
GRAPH = lines(
    models=reversed(MODELS),
    twins=[
        {
            **room("room", temperature=20.5, tags=["a", "ü"], limits={"low": 1}),
            "$metadata": {"$model": "dtmi:test:Room;1", "temperature": {"sourceTime": "2024-05-01T10:00:00Z"}},
            "sensor": COMPONENT,
        },
        machine("machine", power=1e300),
    ],
    relationships=[served_by("room", "machine", since="2024-05-01")],
)


def localtwins(*arguments: object, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "localtwins", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "graph.ndjson").write_bytes(b"\n".join(GRAPH))
    done = localtwins("import", tmp_path / "graph.ndjson", "--data-dir", tmp_path / "data")
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert done.stderr == b"4 models, 2 digital twins and 1 relationships imported, 0 rows refused\n"
    return tmp_path / "data"


async def test_what_is_imported_can_be_read(source: Path):
    service = await LocalTwins.open(source)
    twin = await Adt(service).twin("room")
    assert twin["sensor"]["reading"] == 3
    assert twin["$metadata"]["temperature"]["sourceTime"] == "2024-05-01T10:00:00Z"
    await service.close()


def test_an_export_of_an_import_of_an_export_is_the_same(source: Path, tmp_path: Path):
    first = localtwins("export", "-", "--data-dir", source)
    assert (first.returncode, first.stderr) == (0, b"")
    assert localtwins("import", "-", "--data-dir", tmp_path / "copy", data=first.stdout).returncode == 0
    second = localtwins("export", "-", "--data-dir", tmp_path / "copy")
    assert second.stdout == first.stdout


def test_an_export_has_all_that_was_imported(source: Path):
    exported = set(localtwins("export", "-", "--data-dir", source).stdout.splitlines()[2:])
    given = [json.loads(line) for line in GRAPH[2:]]
    assert len(exported) == len(given)
    for row in map(json.loads, exported):
        assert row in given


def test_models_come_after_those_that_they_need(source: Path):
    rows = map(json.loads, localtwins("export", "-", "--data-dir", source).stdout.splitlines())
    ids = [row["@id"] for row in rows if "@id" in row]
    assert ids.index("dtmi:test:Room;1") > max(ids.index("dtmi:test:Space;1"), ids.index("dtmi:test:Sensor;1"))


def test_an_export_can_be_written_to_a_file(source: Path, tmp_path: Path):
    done = localtwins("export", tmp_path / "out.ndjson", "--data-dir", source)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "out.ndjson").read_bytes() == localtwins("export", "-", "--data-dir", source).stdout


async def test_an_export_is_one_state_while_a_service_writes(jobs: Jobs, tmp_path: Path):
    await jobs.run("one", GRAPH)
    done = localtwins("export", "-", "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert b'"$dtId":"machine"' in done.stdout


async def test_an_import_job_takes_an_export(source: Path, jobs: Jobs):
    exported = localtwins("export", "-", "--data-dir", source).stdout
    assert (await jobs.run("one", exported))["status"] == "succeeded"
    await jobs.adt.service.close()
    again = localtwins("export", "-", "--data-dir", jobs.folder.parent / "data").stdout
    assert again == exported


def test_a_directory_without_a_database_is_not_made_into_one(tmp_path: Path):
    done = localtwins("export", "-", "--data-dir", tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"There is no database in" in done.stderr
    assert not (tmp_path / "none").exists()


def test_an_export_that_cannot_be_written_is_told(source: Path, tmp_path: Path):
    done = localtwins("export", tmp_path / "none" / "out", "--data-dir", source)
    assert done.returncode == 1
    assert done.stderr.startswith(b"localtwins export: ")
    assert b"cannot be written" in done.stderr


def test_a_closed_pipe_is_told_and_no_more(source: Path):
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "localtwins", "export", "-", "--data-dir", str(source)]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, check=False)
    os.close(write_end)
    assert done.returncode == 1
    assert done.stderr == b"localtwins export: Standard output cannot be written: Broken pipe.\n"


def test_refused_rows_are_told_one_by_one(tmp_path: Path):
    content = lines(twins=[machine("a", power="x"), machine("b")], relationships=[served_by("a", "b")])
    done = localtwins("import", "-", "--data-dir", tmp_path / "data", data=b"\n".join(content))
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "line 9: $dtId=a: ValidationFailed: Expected value of type double for power on Twin.",
        f"line 12: $dtId=a $relationshipId=r: DigitalTwinNotFound: {digital_twin_not_found('a').message}",
        "4 models, 1 digital twins and 0 relationships imported, 2 rows refused",
    ]


def test_a_file_that_is_none_of_the_format_is_told(tmp_path: Path):
    done = localtwins("import", "-", "--data-dir", tmp_path / "data", data=b"hello\n")
    assert done.returncode == 1
    assert b"Line 1: The file must begin with the section Header" in done.stderr
    assert b"the import stopped before the end of the file" in done.stderr


def test_a_file_that_is_not_there_is_told_and_nothing_is_made(tmp_path: Path):
    done = localtwins("import", tmp_path / "none", "--data-dir", tmp_path / "data")
    assert (done.returncode, done.stderr) == (
        1,
        f"localtwins import: {tmp_path}/none cannot be read: No such file or directory.\n".encode(),
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("jobs")
async def test_an_import_needs_the_directory_for_itself(tmp_path: Path):
    done = localtwins("import", "-", "--data-dir", tmp_path / "data", data=b"\n".join(GRAPH))
    assert done.returncode == 1
    assert b"in use by another process" in done.stderr
