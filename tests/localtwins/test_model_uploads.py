"""Large uploads of models: others go on meanwhile, and what changes meanwhile counts."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings, dtdl
from localtwins.dtdl import INTERFACE_BYTES
from localtwins.http_server import HttpServer
from localtwins.operations import models
from localtwins.workers import CallerGoneError

from .adt import CONTEXT, MACHINE_TWIN, MODELS, Adt, Answer, add

PATIENCE = 30.0


@pytest.fixture(params=["memory", "disk"])
async def adt(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adt]:
    service = await LocalTwins.open(":memory:" if request.param == "memory" else tmp_path)
    adt = Adt(service)
    await adt.post("/models", MODELS)
    await adt.put("/digitaltwins/machine", MACHINE_TWIN)
    yield adt
    await service.close()


def interface(name: str, **members: Any) -> dict[str, Any]:
    return {"@id": f"dtmi:test:{name};1", "@type": "Interface", "@context": CONTEXT, **members}


def large(name: str, count: int = 250, **members: Any) -> dict[str, Any]:
    contents = [{"@type": "Property", "name": f"p{number}", "schema": "string"} for number in range(count)]
    return interface(name, contents=contents, **members)


class Check:
    """Holds a check of models up on its worker, when it is done; small ones in the event loop go through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._done = threading.Event()
        self._go_on = threading.Event()
        self._parse = dtdl.parse
        monkeypatch.setattr(dtdl, "parse", self._held_up)

    def _held_up(self, *arguments: Any, **named: Any) -> list[dtdl.Interface]:
        interfaces = self._parse(*arguments, **named)
        if threading.current_thread() is not threading.main_thread():
            self._done.set()
            assert self._go_on.wait(PATIENCE)
        return interfaces

    async def meanwhile(self, upload: Awaitable[Answer], *changes: Awaitable[Answer]) -> Answer:
        """The answer to an upload during whose check something changes."""
        task = asyncio.ensure_future(upload)
        assert await asyncio.to_thread(self._done.wait, PATIENCE)
        for change in changes:
            assert (await change).status in {201, 204}
        self._go_on.set()
        return await task


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    return Check(monkeypatch)


async def test_twins_are_read_and_written_while_a_large_upload_is_checked(adt: Adt, check: Check):
    async def written_and_read(power: int) -> Answer:
        answer = await adt.patch("/digitaltwins/machine", add("/power", power))
        assert (await adt.twin("machine"))["power"] == power
        return answer

    upload = adt.post("/models", [large(f"Large{number}") for number in range(250)])
    answer = await check.meanwhile(upload, *(written_and_read(power) for power in range(20)))

    assert answer.status == 201


async def test_a_base_that_is_deleted_during_the_check_is_missed(adt: Adt, check: Check):
    await adt.post("/models", [interface("Base")])

    upload = adt.post("/models", [large("Heir", extends="dtmi:test:Base;1")])
    answer = await check.meanwhile(upload, adt.delete("/models/dtmi:test:Base;1"))

    assert (answer.status, answer.code) == (400, "DTDLParserError")
    assert "dtmi:test:Base;1 (referenced in 1 place)" in answer.message
    assert (await adt.get("/models/dtmi:test:Heir;1")).status == 404


async def test_a_base_that_is_another_one_after_the_check_counts_as_it_is_now(adt: Adt, check: Check):
    await adt.post("/models", [interface("Base")])

    upload = adt.post("/models", [large("Heir", extends="dtmi:test:Base;1")])
    clashing = [interface("Base", contents=[{"@type": "Property", "name": "p7", "schema": "string"}])]
    answer = await check.meanwhile(upload, adt.delete("/models/dtmi:test:Base;1"), adt.post("/models", clashing))

    assert (answer.status, answer.code) == (400, "DTDLParserError")
    assert "more than one 'p7'" in answer.message


async def test_an_id_that_is_taken_during_the_check_is_a_conflict(adt: Adt, check: Check):
    answer = await check.meanwhile(adt.post("/models", [large("New")]), adt.post("/models", [interface("New")]))

    assert (answer.status, answer.code) == (409, "ModelIdAlreadyExists")
    assert "dtmi:test:New;1" in answer.message


async def test_unrelated_changes_during_the_check_do_no_harm(adt: Adt, check: Check):
    upload = adt.post("/models", [large("New", extends="dtmi:test:Machine;1")])
    answer = await check.meanwhile(
        upload, adt.post("/models", [interface("Other")]), adt.delete("/models/dtmi:test:Other;1")
    )

    assert answer.status == 201


async def test_a_dry_run_of_a_large_upload_stores_nothing(adt: Adt):
    answer = await adt.post("/models", [large("New", 2_000)], localtwins_validate_only="true")

    assert answer.status == 201
    assert (await adt.get("/models/dtmi:test:New;1")).status == 404


async def test_a_small_model_on_large_stored_ones(adt: Adt):
    bases = [large(f"Base{number}", 5_000) for number in range(3)]
    for number, base in enumerate(bases):
        for content in base["contents"]:
            content["name"] = f"b{number}{content['name']}"
    assert (await adt.post("/models", bases)).status == 201
    heir = interface("Heir", extends=[base["@id"] for base in bases])

    assert (await adt.post("/models", [heir])).status == 201
    twin = {"$metadata": {"$model": heir["@id"]}, "b2p4999": "x"}
    assert (await adt.put("/digitaltwins/heir", twin)).status == 200


async def test_models_that_build_on_more_than_can_be_read_are_refused(adt: Adt, monkeypatch: pytest.MonkeyPatch):
    bases = [large(f"Base{number}", 5_000) for number in range(3)]
    assert (await adt.post("/models", bases)).status == 201
    components = [
        {"@type": "Component", "name": f"c{number}", "schema": base["@id"]} for number, base in enumerate(bases)
    ]
    monkeypatch.setattr(models, "MOST_STORED_BYTES", 500_000)
    answer = await adt.post("/models", [interface("Whole", contents=components)])
    assert (answer.status, answer.code) == (400, "LimitExceeded")
    assert (await adt.post("/models", [interface("Part", contents=components[:1])])).status == 201


class EndlessCheck:
    """A check of models that ends only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        monkeypatch.setattr(dtdl, "parse", self._go_on_until_told)

    def _go_on_until_told(self, *_: Any, checkpoint: dtdl.Checkpoint, **__: Any) -> Any:
        self.begun.set()
        try:
            while True:
                checkpoint()
        except CallerGoneError:
            self.ended.set()
            raise


async def test_the_check_ends_when_its_caller_is_cancelled(adt: Adt, monkeypatch: pytest.MonkeyPatch):
    check = EndlessCheck(monkeypatch)
    upload = asyncio.ensure_future(adt.post("/models", [large("New")]))
    assert await asyncio.to_thread(check.begun.wait, PATIENCE)

    upload.cancel()

    assert await asyncio.to_thread(check.ended.wait, PATIENCE)


async def test_the_check_ends_when_its_caller_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    check = EndlessCheck(monkeypatch)
    settings = Settings(listen="127.0.0.1:0", http=True)
    service = await LocalTwins.open(tmp_path, settings)
    server = HttpServer(service, settings, None)
    await server.start()
    body = json.dumps([large("New")]).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(
        b"POST /models?api-version=2023-10-31 HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert await asyncio.to_thread(check.begun.wait, PATIENCE)

    writer.close()

    assert await asyncio.to_thread(check.ended.wait, PATIENCE)
    await server.stop()
    await service.close()


@pytest.mark.parametrize("version", [2, 3])
async def test_white_space_counts_towards_the_size_of_a_model(empty: Adt, version: int):
    small = interface("Small", **{"@context": f"dtmi:dtdl:context;{version}"})
    spread = json.dumps(small).replace("{", "{" + " " * INTERFACE_BYTES)
    answer = await empty.post("/models", f"[{json.dumps(small)}, {spread.replace('Small', 'Spread')}]".encode())
    assert (answer.status, answer.code) == (400, "DTDLParserError")
    assert f"Spread;1 is {len(spread) + 1} bytes in length" in answer.message
    between = f"[{json.dumps(small)}{' ' * INTERFACE_BYTES}]".encode()
    assert (await empty.post("/models", between)).status == 201


async def test_parsed_models_are_forgotten_with_the_write_that_stored_them(adt: Adt):
    model = interface("New", contents=[{"@type": "Property", "name": "a", "schema": "string"}])
    twin = {"$metadata": {"$model": model["@id"]}, "a": "x"}
    await adt.post("/models", [model], localtwins_validate_only="true")
    assert "dtmi:test:New;1" in (await adt.put("/digitaltwins/new", twin)).details[0]
    model["contents"][0]["schema"] = "integer"
    assert (await adt.post("/models", [model])).status == 201
    assert (await adt.put("/digitaltwins/new", twin)).code == "ValidationFailed"
    assert (await adt.delete("/models/dtmi:test:New;1")).status == 204
    model["contents"][0]["schema"] = "string"
    assert (await adt.post("/models", [model])).status == 201
    assert (await adt.put("/digitaltwins/new", twin)).status == 200
