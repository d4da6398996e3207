"""States of the graph and the changes behind them make a copy without a gap, whoever writes meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from localtwins import LocalTwins, Settings
from localtwins.store.change import Change
from localtwins.store.change_log import ChangeLog, Items

from ..adt import MACHINE_TWIN, MODELS, ROOM_TWIN, Adt, add, remove, replace
from ..copying import Document, follow, graph_of, without_times
from ..jobs.importing import Jobs, lines, machine, served_by

WRITERS = 6
WRITES = 120
TWINS = [f"twin{number}" for number in range(20)]
IMPORTED = [f"imported{number}" for number in range(300)]
RELATIONSHIPS = "/relationships/"


class Copy:
    """A follower's copy of the twins and relationships: a state of the graph, and then the log."""

    def __init__(self, log: ChangeLog, limit: int) -> None:
        self._log = log
        self._limit = limit
        self._pages: dict[Items, list[tuple[str | None, int]]] = {}
        self._position = 0
        self.documents: dict[str, Document] = {}
        self.seen = 0

    async def begin(self) -> None:
        """Reads the graph page by page, while others write."""
        self.documents = {}
        self._position = self._log.extent().newest
        for kind in Items:
            place: str | None = ""
            self._pages[kind] = []
            while place is not None:
                page = self._log.items(kind, place, self._limit)
                place = page.next
                self._pages[kind].append((place, page.as_of))
                for document in map(orjson.loads, page.documents):
                    self.documents[_subject(document)] = document
                await asyncio.sleep(0.001)

    def go_on(self) -> list[Change]:
        """Applies what is new in the log, and gives it."""
        changes: list[Change] = []
        while page := self._log.read(self._position, 50):
            changes += page
            self._position = page[-1].position
        follow((change for change in changes if change.twin_id and not self._has_seen(change)), self.documents)
        return changes

    def _has_seen(self, change: Change) -> bool:
        """Tells whether the page that an item belongs to was read after a change of it."""
        kind = Items.RELATIONSHIPS if RELATIONSHIPS in change.subject else Items.DIGITAL_TWINS
        key = change.subject.split(RELATIONSHIPS)
        for end, as_of in self._pages[kind]:
            if end is None or key <= end.split("/"):
                self.seen += change.position <= as_of
                return change.position <= as_of
        raise AssertionError(key)


def _subject(document: Document) -> str:
    if "$relationshipId" in document:
        return f"{document['$sourceId']}{RELATIONSHIPS}{document['$relationshipId']}"
    return str(document["$dtId"])


async def _write(adt: Adt, chance: random.Random) -> None:
    """Some writes, of which many fail."""
    for _ in range(WRITES):
        path = f"/digitaltwins/{chance.choice(TWINS)}"
        link = f"{path}/relationships/{chance.choice('xy')}"
        match chance.randrange(6):
            case 0:
                await adt.put(path, chance.choice([ROOM_TWIN, MACHINE_TWIN]))
            case 1:
                await adt.patch(path, replace("/temperature", chance.random()))
            case 2:
                await adt.put(link, {"$relationshipName": "linkedTo", "$targetId": chance.choice(TWINS)})
            case 3:
                await adt.patch(link, chance.choice([add("/note", "p"), remove("/note")]))
            case 4:
                await adt.delete(link)
            case _:
                await adt.delete(path)
        await asyncio.sleep(0)


@pytest.fixture(params=["memory", "disk"])
async def written(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adt]:
    folder = tmp_path / "blobs"
    folder.mkdir()
    place = ":memory:" if request.param == "memory" else tmp_path / "data"
    service = await LocalTwins.open(place, Settings(jobs_dir=str(folder)))
    adt = Adt(service)
    assert (await adt.post("/models", MODELS)).status == 201
    for twin_id in TWINS:
        assert (await adt.put(f"/digitaltwins/{twin_id}", ROOM_TWIN)).status == 200
    yield adt
    await service.close()


async def _graph(adt: Adt) -> dict[str, Document]:
    """The twins and relationships of the tests."""
    documents = await graph_of(adt, [*TWINS, *IMPORTED, "machine"])
    return {subject: document for subject, document in documents.items() if not subject.startswith("dtmi:")}


@pytest.mark.parametrize("seed", range(3))
async def test_a_state_and_the_changes_behind_it_are_the_graph_while_others_write(written: Adt, seed: int):
    writing = [asyncio.ensure_future(_write(written, random.Random(10 * seed + n))) for n in range(WRITERS)]
    copies = []
    while not all(each.done() for each in writing):
        copy = Copy(written.service.changes, limit=random.Random(seed).randint(1, 7))
        await copy.begin()
        copies.append(copy)
        for each in copies[-3:]:
            each.go_on()
    await asyncio.gather(*writing)
    actual = without_times(await _graph(written))
    for copy in copies:
        copy.go_on()
        assert without_times(copy.documents) == actual
    assert len(copies) > 1
    assert sum(copy.seen for copy in copies), "some changes were in a page already"


async def test_a_state_that_is_read_once_a_job_has_ended_is_the_graph(written: Adt, tmp_path: Path):
    copy = Copy(written.service.changes, limit=50)
    await copy.begin()
    jobs = Jobs(written, tmp_path / "blobs")
    imported = lines(
        models=(),
        twins=[machine("machine"), *(machine(twin_id) for twin_id in IMPORTED)],
        relationships=[served_by(twin_id, "machine") for twin_id in TWINS],
    )
    writing = asyncio.ensure_future(_write(written, random.Random(7)))
    await jobs.start("one", imported)
    ended = False
    async with asyncio.timeout(30):
        while not ended:
            await written.service.changes.wait(copy._position, 10)
            changes = [change.type for change in copy.go_on()]
            ended = "localtwins.Job.End" in changes
            if "localtwins.Job.Write" in changes or ended:  # what is told no more cannot be in the copy
                await copy.begin()
    await writing
    copy.go_on()
    assert without_times(copy.documents) == without_times(await _graph(written))
