"""A service on disk whose jobs may use files, and a gate that holds jobs up."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localtwins import LocalTwins, Settings

from ..adt import Adt
from .importing import Gate, Jobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


@pytest.fixture
async def jobs(tmp_path: Path, folder: Path) -> AsyncIterator[Jobs]:
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(folder)))
    yield Jobs(Adt(service), folder)
    await service.close()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr("localtwins.jobs.import_run.open_blob", gate.open_blob)
    return gate
