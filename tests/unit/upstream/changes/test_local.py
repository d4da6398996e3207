"""The log of the embedded service as a source of changes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.localtwins.adt import Adt
from tests.localtwins.events.conftest import create_graph

from localtwins import LocalTwins
from twinfront_server.upstream.changes.local import LocalChanges
from twinfront_server.upstream.changes.source import Kind

LONG_AGO = "2020-01-02T03:04:05Z"


@pytest.fixture
async def adt() -> AsyncIterator[Adt]:
    service = await LocalTwins.open(":memory:")
    adt = Adt(service)
    await create_graph(adt)
    yield adt
    await service.close()


async def test_telemetry_that_tells_another_time_was_taken_when_it_came(adt: Adt) -> None:
    source = LocalChanges(adt.service.changes)
    position = await source.before_items()
    answer = await adt.post("/digitaltwins/room/telemetry", {}, message_id="m", telemetry_source_time=LONG_AGO)
    assert answer.status == 204
    (change,) = (await source.read(position, 10)).changes
    assert (change.kind, change.time) == (Kind.TELEMETRY, LONG_AGO)
    assert datetime.now(UTC) - datetime.fromisoformat(change.taken) < timedelta(minutes=1)


async def test_who_has_seen_all_of_an_earlier_process_comes_to_where_this_one_begins(tmp_path: Path) -> None:
    service = await LocalTwins.open(tmp_path)
    await create_graph(Adt(service))
    seen = await LocalChanges(service.changes).before_items()
    await service.close()
    service = await LocalTwins.open(tmp_path)
    source = LocalChanges(service.changes)
    newest = await source.before_items()
    assert newest != seen
    batch = await source.read(seen, 10)
    assert (batch.changes, batch.position) == ([], newest)
    assert (await source.read(newest, 10)).position == newest
    await service.close()


async def test_any_other_change_was_taken_when_it_says(adt: Adt) -> None:
    source = LocalChanges(adt.service.changes)
    changes = (await source.read((await source.extent()).oldest, 10)).changes
    assert len(changes) > 5
    assert [change.taken for change in changes] == [change.time for change in changes]
