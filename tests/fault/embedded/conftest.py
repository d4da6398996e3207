"""Where jobs of the embedded service read and write, and where events go."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lost_writes import LIFT

LONG = 5_000
"""Twins in an import that can be cancelled before it ends."""


HEADER = '{"Section": "Header"}\n{"fileVersion": "1.0.0"}\n'


@pytest.fixture(scope="session")
def long_import(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The blob of a long import, which takes longer to write than most tests take."""
    blob = tmp_path_factory.mktemp("blobs") / "long.ndjson"
    blob.write_text(HEADER + "\n".join(_long_import()) + "\n")
    return blob


@pytest.fixture
def blobs(tmp_path: Path, long_import: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the blobs of a short and a long import, and an endpoint for events."""
    (tmp_path / "in.ndjson").write_text(HEADER)
    (tmp_path / "long.ndjson").hardlink_to(long_import)
    monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(tmp_path))
    monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps({"events": f"file:{tmp_path / 'events.ndjson'}"}))


def _long_import() -> Iterator[str]:
    yield from ('{"Section": "Models"}', json.dumps(LIFT), '{"Section": "Twins"}')
    for number in range(LONG):
        yield json.dumps({"$dtId": f"lift-{number}", "$metadata": {"$model": LIFT["@id"]}})
