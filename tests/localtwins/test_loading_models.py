"""Models that are stored and not in memory, as after a restart: no write waits while the model of another is parsed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings, dtdl
from localtwins.dtdl import Interface
from localtwins.store import interfaces

from .adt import CONTEXT, MACHINE, MACHINE_TWIN, MODELS, ROOM_TWIN, SPACE_TWIN, Adt, Answer, add
from .jobs.importing import Jobs, lines, machine, room, served_by

PATIENCE = 30.0
LEVELS = 5


def interface(name: str, *contents: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"@id": f"dtmi:test:{name};1", "@type": "Interface", "@context": CONTEXT, "contents": contents, **members}


def prop(name: str, schema: str = "string") -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema}


def large(level: int) -> dict[str, Any]:
    base = {"extends": f"dtmi:test:L{level - 1};1"} if level else {}
    return interface(f"L{level}", *(prop(f"l{level}p{number}") for number in range(10_000)), **base)


LARGE_TWIN = {"$metadata": {"$model": f"dtmi:test:L{LEVELS - 1};1"}, "l0p9999": "x"}


class Parser:
    """Notes on which threads models are parsed, and holds the first one up if that is wanted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.threads: set[str] = set()
        self.parsed: list[str] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._load_on = dtdl.load_on
        monkeypatch.setattr(dtdl, "load_on", self._noted)

    def _noted(self, document: Any, *arguments: Any) -> Interface:
        self.threads.add(threading.current_thread().name)
        self.parsed.append(document["@id"].removeprefix("dtmi:test:"))
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        return self._load_on(document, *arguments)

    async def meanwhile(self, writing: Awaitable[Answer], *changes: Awaitable[Answer]) -> Answer:
        """The answer to a write while whose models are parsed something else is written."""
        self.begun.clear()
        self.go_on.clear()
        task = asyncio.ensure_future(writing)
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)
        for change in changes:
            assert (await asyncio.wait_for(change, PATIENCE)).status < 300
        self.go_on.set()
        return await task

    @property
    def on_own_thread(self) -> bool:
        return bool(self.threads) and all(name.startswith("localtwins-worker") for name in self.threads)


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> Parser:
    return Parser(monkeypatch)


@pytest.fixture(params=["restarted", "forgetful on disk", "forgetful in memory"])
async def adt(
    request: pytest.FixtureRequest, tmp_path: Path, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Adt]:
    """A service with twins, that was started again, or in whose memory only the last model stays parsed."""
    if "forgetful" in request.param:
        monkeypatch.setattr(interfaces, "REMEMBERED_BYTES", 1)
    place = ":memory:" if "in memory" in request.param else tmp_path / "data"
    service = await LocalTwins.open(place)
    adt = Adt(service)
    assert (await adt.post("/models", [*MODELS, interface("New", prop("a"))])).status == 201
    for twin_id, twin in {"room": ROOM_TWIN, "hall": SPACE_TWIN, "machine": MACHINE_TWIN}.items():
        assert (await adt.put(f"/digitaltwins/{twin_id}", twin)).status == 200
    related = {"$relationshipName": "servedBy", "$targetId": "machine"}
    assert (await adt.put("/digitaltwins/room/relationships/r", related)).status == 200
    assert (await adt.post("/models", [interface("Last")])).status == 201
    if request.param == "restarted":
        await service.close()
        adt.service = await LocalTwins.open(place)
    parser.threads.clear()
    parser.parsed.clear()
    yield adt
    await adt.service.close()


async def test_a_write_is_not_held_up_by_the_models_of_another(tmp_path: Path, parser: Parser):
    service = await LocalTwins.open(tmp_path)
    for level in range(LEVELS):
        assert (await Adt(service).post("/models", [large(level)])).status == 201
    assert (await Adt(service).post("/models", [MACHINE])).status == 201
    assert (await Adt(service).put("/digitaltwins/machine", MACHINE_TWIN)).status == 200
    await service.close()
    service = await LocalTwins.open(tmp_path)
    adt = Adt(service)

    answer = await parser.meanwhile(adt.put("/digitaltwins/large", LARGE_TWIN), adt.delete("/digitaltwins/machine"))

    assert answer.status == 200
    assert sorted(parser.parsed) == [f"L{level};1" for level in range(LEVELS)]
    assert parser.on_own_thread
    await service.close()


async def test_no_write_parses_on_the_writers_thread_or_in_the_event_loop(adt: Adt, parser: Parser):
    related = {"$relationshipName": "servedBy", "$targetId": "machine"}
    writes = [
        lambda: adt.put("/digitaltwins/new", ROOM_TWIN),
        lambda: adt.put("/digitaltwins/new", ROOM_TWIN, localtwins_validate_only="true"),
        lambda: adt.patch("/digitaltwins/room", add("/seats", 3)),
        lambda: adt.patch("/digitaltwins/room/components/sensor", add("/reading", 2)),
        lambda: adt.put("/digitaltwins/room/relationships/s", related),
        lambda: adt.patch("/digitaltwins/room/relationships/r", add("/note", "n")),
    ]
    for write in writes:
        answer = await write()
        assert answer.status < 300, answer
    assert parser.on_own_thread


async def test_what_is_wrong_with_a_twin_is_told_all_the_same(adt: Adt, parser: Parser):
    answer = await adt.put("/digitaltwins/new", {**ROOM_TWIN, "sensor": {"$metadata": {}, "reading": "x"}})

    assert (answer.status, answer.code) == (400, "ValidationFailed")
    assert parser.on_own_thread


async def test_the_components_of_a_twin_are_parsed_with_it(adt: Adt, parser: Parser):
    assert (await adt.put("/digitaltwins/new", ROOM_TWIN)).status == 200

    assert sorted(parser.parsed) == ["Room;1", "Sensor;1", "Space;1"]


async def test_many_writes_at_once_parse_a_model_once(adt: Adt, parser: Parser):
    writing = [adt.put(f"/digitaltwins/{number}", MACHINE_TWIN) for number in range(200)]
    answers = await asyncio.gather(*writing)

    assert {answer.status for answer in answers} == {200}
    assert parser.parsed == ["Machine;1"]


async def test_a_model_that_is_another_one_when_it_is_parsed_counts_as_it_is_now(adt: Adt, parser: Parser):
    twin = {"$metadata": {"$model": "dtmi:test:New;1"}, "a": "x"}

    answer = await parser.meanwhile(
        adt.put("/digitaltwins/new", twin),
        adt.delete("/models/dtmi:test:New;1"),
        adt.post("/models", [interface("New", prop("a", "integer"))]),
    )

    assert answer.code == "ValidationFailed"


async def test_a_model_that_is_decommissioned_while_it_is_parsed_has_no_new_twins(adt: Adt, parser: Parser):
    decommission = [{"op": "replace", "path": "/decommissioned", "value": True}]
    answer = await parser.meanwhile(
        adt.put("/digitaltwins/new", MACHINE_TWIN), adt.send("PATCH", "/models/dtmi:test:Machine;1", decommission)
    )

    assert answer.code == "ModelDecommissioned"


async def test_an_import_job_parses_nothing_on_the_writers_thread(tmp_path: Path, parser: Parser):
    settings = Settings(jobs_dir=str(tmp_path))
    service = await LocalTwins.open(tmp_path / "data", settings)
    assert (await Adt(service).post("/models", MODELS)).status == 201
    await service.close()
    parser.parsed.clear()
    service = await LocalTwins.open(tmp_path / "data", settings)
    jobs = Jobs(Adt(service), tmp_path)

    rows = lines(models=(), twins=[room("r"), machine("m")], relationships=[served_by("r", "m")])
    assert (await jobs.run("one", rows))["status"] == "succeeded"

    assert sorted(parser.parsed) == ["Machine;1", "Room;1", "Sensor;1", "Space;1"]
    assert parser.on_own_thread
    await service.close()


async def test_loading_ends_when_its_caller_is_cancelled(adt: Adt, parser: Parser):
    parser.go_on.clear()
    writing = asyncio.ensure_future(adt.put("/digitaltwins/new", ROOM_TWIN))
    assert await asyncio.to_thread(parser.begun.wait, PATIENCE)

    writing.cancel()
    await asyncio.wait({writing})
    parser.go_on.set()

    assert (await adt.put("/digitaltwins/hall", SPACE_TWIN)).status == 200  # its model is loaded behind the other
    assert "Sensor;1" not in parser.parsed


async def test_a_write_that_needs_more_models_than_may_be_loaded_is_refused(adt: Adt, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(interfaces.Needed, "__init__", partialmethod(interfaces.Needed.__init__, bytes_left=1))

    answer = await adt.put("/digitaltwins/new", ROOM_TWIN)

    assert (answer.status, answer.code) == (400, "LimitExceeded")
    assert (await adt.put("/digitaltwins/new", SPACE_TWIN)).status == 200
