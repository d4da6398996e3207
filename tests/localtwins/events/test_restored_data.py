"""An older state of a data folder in the place of a later one: no follower takes one past for the other.

So it is after a restore from a backup, and with a copy that lags a little behind when its original is lost.
"""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localtwins import LocalTwins, Settings
from localtwins.store import change_appending
from localtwins.store.change_log import ChangesLostError
from localtwins.store.database import Database

from ..adt import MODELS, ROOM_TWIN, Adt, replace

ROOM = "/digitaltwins/room"


async def _opened(folder: Path, settings: Settings | None = None) -> Adt:
    return Adt(await LocalTwins.open(folder, settings))


async def _write(adt: Adt, count: int) -> None:
    for number in range(count):
        assert (await adt.patch(ROOM, replace("/temperature", number))).status == 204


class Past:
    """A folder of which an older state was put in place of a later one.

    Attributes:
        adt: the service on the older state.
        kept: the position of the last change of the older state.
        lost: the positions of the changes that the later one had.
    """

    def __init__(self, adt: Adt, kept: int, lost: range) -> None:
        self.adt = adt
        self.kept = kept
        self.lost = lost
        self.log = adt.service.changes


@pytest.fixture(params=["in the run that made the folder", "in a later run"])
async def past(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Past]:
    folder, backup = tmp_path / "data", tmp_path / "backup"
    adt = await _opened(folder)
    await adt.post("/models", MODELS)
    await adt.put(ROOM, ROOM_TWIN)
    if request.param == "in a later run":
        await adt.service.close()
        adt = await _opened(folder)
    await _write(adt, 5)
    kept = adt.service.changes.extent().newest
    shutil.copytree(folder, backup)
    await _write(adt, 20)
    newest = adt.service.changes.extent().newest
    await adt.service.close()
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    adt = await _opened(folder)
    yield Past(adt, kept, range(kept + 1, newest + 1))
    await adt.service.close()


async def test_who_has_seen_what_is_lost_is_told_whatever_was_written_since(past: Past):
    assert len(past.lost) == 20
    for _ in range(2):
        for position in past.lost:
            with pytest.raises(ChangesLostError):
                past.log.read(position, 10)
        await _write(past.adt, 30)


async def test_who_has_seen_only_what_was_kept_goes_on(past: Past):
    await _write(past.adt, 3)
    for seen in (past.kept, past.kept - 1, 0):
        position, changes = seen, []
        while page := past.log.read(position, 4):
            changes += page
            position = page[-1].position
        assert [change.etag for change in changes[-1:]] == [(await past.adt.twin("room"))["$etag"]]
        assert not {change.position for change in changes} & set(past.lost)
        assert past.adt.service._database.read.changes_between(seen, position + 1) == len(changes)


async def test_who_begins_before_the_first_write_goes_on(past: Past):
    start = past.log.extent().newest
    assert start == past.log.extent().begun > past.lost[-1]
    assert past.log.read(start, 10) == []
    await _write(past.adt, 1)
    (change,) = past.log.read(start, 10)
    assert past.log.read(past.kept, 10) == [change]


async def test_no_event_has_the_id_of_one_that_is_lost(past: Past):
    await _write(past.adt, 20)
    changes = past.log.read(past.kept, 100)
    assert not {change.position for change in changes} & set(past.lost)


async def test_a_position_is_good_over_starts_without_a_write(tmp_path: Path):
    positions = [0]
    for _ in range(4):
        adt = await _opened(tmp_path)
        positions.append(adt.service.changes.extent().newest)
        await adt.service.close()
    adt = await _opened(tmp_path)
    await adt.post("/models", MODELS[:1])
    for position in positions:
        (change,) = adt.service.changes.read(position, 10)
        assert change.type == "localtwins.Model.Create"
    await adt.service.close()


async def test_the_log_keeps_as_many_changes_as_it_may_over_several_runs(tmp_path: Path):
    for _ in range(5):
        adt = await _opened(tmp_path, Settings(max_changes=100))
        await adt.post("/models", MODELS)
        await adt.put(ROOM, ROOM_TWIN)
        await _write(adt, 40)
        await adt.service.close()
    adt = await _opened(tmp_path, Settings(max_changes=100))
    log = adt.service.changes
    kept = log.read(log.extent().oldest, 1000)
    assert 100 <= len(kept) <= 100 + 64
    with pytest.raises(ChangesLostError):
        log.read(0, 10)
    await adt.service.close()


async def test_of_very_many_starts_the_first_are_forgotten_and_told_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    starts = change_appending._MOST_GAPS
    assert starts >= 1_000
    starts = 20
    monkeypatch.setattr(change_appending, "_MOST_GAPS", starts)
    positions = []
    for _ in range(starts + 10):
        database = Database.open(tmp_path)
        await database.write(lambda tx: tx.begin_changes())
        positions.append(database.read.last_position())
        good = [database.read.leads_on(position) for position in positions]
        await database.close()
        # Each start but the first makes a gap, and a place behind it, which stays when the gap is forgotten.
        assert good == [False] * (len(good) - starts - 1) + [True] * min(len(good), starts + 1)
