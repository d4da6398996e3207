"""Where jobs of the embedded service read and write, and where events go."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lost_writes import LIFT

LONG = 5_000
"""Twins in an import that can be cancelled before it ends."""


@pytest.fixture
def blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the blobs of a short and a long import, and an endpoint for events."""
    header = '{"Section": "Header"}\n{"fileVersion": "1.0.0"}\n'
    (tmp_path / "in.ndjson").write_text(header)
    (tmp_path / "long.ndjson").write_text(header + "\n".join(_long_import()) + "\n")
    monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(tmp_path))
    monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps({"events": f"file:{tmp_path / 'events.ndjson'}"}))


def _long_import() -> Iterator[str]:
    yield from ('{"Section": "Models"}', json.dumps(LIFT), '{"Section": "Twins"}')
    for number in range(LONG):
        yield json.dumps({"$dtId": f"lift-{number}", "$metadata": {"$model": LIFT["@id"]}})
