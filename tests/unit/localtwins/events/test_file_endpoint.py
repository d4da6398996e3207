"""Events appended to a file."""

import asyncio
import json
from pathlib import Path

import pytest

from localtwins.events.endpoints import FileEndpoint, check_target

from .change import event


async def test_each_event_is_a_line_and_files_are_continued(tmp_path: Path):
    path = tmp_path / "new" / "events.ndjson"
    await FileEndpoint("f", path).deliver([event(data={"n": 1}), event(data={"n": 2})])
    await FileEndpoint("f", path).deliver([event(data={"n": 3})])
    assert [json.loads(line)["data"]["n"] for line in path.read_text().splitlines()] == [1, 2, 3]


async def test_a_line_that_was_never_finished_is_left_alone(tmp_path: Path):
    path = tmp_path / "events.ndjson"
    path.write_bytes(b'{"specversion":"1.0","id')
    await FileEndpoint("f", path).deliver([event(data={"n": 1})])
    torn, whole = path.read_text().splitlines()
    assert torn == '{"specversion":"1.0","id'
    assert json.loads(whole)["data"] == {"n": 1}


async def test_an_endpoint_tries_until_its_file_can_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "taken"
    path.mkdir()
    delivery = asyncio.create_task(FileEndpoint("f", path).deliver([event()]))
    while not caplog.records:
        await asyncio.sleep(0.01)
    path.rmdir()
    await delivery
    assert len(path.read_text().splitlines()) == 1
    assert "delivery fails" in caplog.text
    assert "works again" in caplog.text


@pytest.mark.parametrize(
    "target",
    ["", "events.ndjson", "file:", "ftp://host/x", "https://", "http:host", "http://host:99999/", "http://[::1"],
)
def test_a_target_is_a_file_or_a_url(target: str):
    with pytest.raises(ValueError, match="target"):
        check_target(target)
