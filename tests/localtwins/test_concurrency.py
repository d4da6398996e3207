"""Many writers at once: none is lost, none hurts another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localtwins import LocalTwins

from .adt import MACHINE_TWIN, MODELS, Adt, add, replace


@pytest.fixture(params=["memory", "disk"])
async def adt(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adt]:
    service = await LocalTwins.open(":memory:" if request.param == "memory" else tmp_path)
    adt = Adt(service)
    await adt.post("/models", MODELS)
    await adt.put("/digitaltwins/machine", MACHINE_TWIN)
    yield adt
    await service.close()


async def test_one_of_many_writers_with_the_same_etag_wins(adt: Adt):
    etag = (await adt.twin("machine"))["$etag"]
    answers = await asyncio.gather(
        *(adt.patch("/digitaltwins/machine", add("/power", number), if_match=etag) for number in range(40))
    )
    winners = [number for number, answer in enumerate(answers) if answer.status == 204]
    assert len(winners) == 1
    assert {answer.status for answer in answers} == {204, 412}
    twin = await adt.twin("machine")
    assert (twin["power"], twin["$etag"]) == (winners[0], answers[winners[0]].etag)


async def test_one_of_many_creators_wins(adt: Adt):
    answers = await asyncio.gather(*(adt.put("/digitaltwins/x", MACHINE_TWIN, if_none_match="*") for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 19


async def test_every_unconditional_write_counts_in_the_order_it_came(adt: Adt):
    answers = await asyncio.gather(*(adt.patch("/digitaltwins/machine", add("/power", n)) for n in range(100)))
    assert len({answer.etag for answer in answers}) == 100
    assert (await adt.twin("machine"))["power"] == 99


async def test_a_write_that_fails_does_not_hurt_those_beside_it(adt: Adt):
    bodies = [{**MACHINE_TWIN, "power": number if number % 3 else "much"} for number in range(60)]
    answers = await asyncio.gather(*(adt.put(f"/digitaltwins/m{n}", body) for n, body in enumerate(bodies)))
    for number, answer in enumerate(answers):
        assert answer.status == (200 if number % 3 else 400)
        assert (await adt.get(f"/digitaltwins/m{number}")).status == (200 if number % 3 else 404)


async def test_every_acknowledged_write_is_seen_at_once(adt: Adt):
    async def write_and_read(number: int) -> None:
        for _ in range(20):
            etag = (await adt.put(f"/digitaltwins/m{number}", MACHINE_TWIN)).etag
            assert (await adt.get(f"/digitaltwins/m{number}")).etag == etag

    await asyncio.gather(*(write_and_read(number) for number in range(8)))


async def test_deletion_and_relating_race_to_one_outcome(adt: Adt):
    await adt.put("/digitaltwins/room", {"$metadata": {"$model": "dtmi:test:Room;1"}, "sensor": {"$metadata": {}}})
    for _ in range(20):
        await adt.put("/digitaltwins/m", MACHINE_TWIN)
        related, deleted = await asyncio.gather(
            adt.put("/digitaltwins/room/relationships/r", {"$relationshipName": "servedBy", "$targetId": "m"}),
            adt.delete("/digitaltwins/m"),
        )
        assert (related.status, deleted.status) in {(200, 400), (404, 204)}
        await adt.delete("/digitaltwins/room/relationships/r")


async def test_a_caller_that_leaves_does_not_stop_the_others(adt: Adt):
    leaving = [asyncio.ensure_future(adt.put(f"/digitaltwins/gone{n}", MACHINE_TWIN)) for n in range(10)]
    staying = [asyncio.ensure_future(adt.put(f"/digitaltwins/here{n}", MACHINE_TWIN)) for n in range(10)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    assert [answer.status for answer in await asyncio.gather(*staying)] == [200] * 10
    assert (await adt.patch("/digitaltwins/machine", replace("/$metadata/$model", "dtmi:test:Machine;1"))).status == 204


async def test_the_data_is_there_after_closing_and_opening(tmp_path: Path):
    service = await LocalTwins.open(tmp_path)
    await Adt(service).post("/models", MODELS)
    written = await Adt(service).put("/digitaltwins/machine", MACHINE_TWIN)
    await service.close()
    service = await LocalTwins.open(tmp_path)
    try:
        assert (await Adt(service).twin("machine")) == written.body
        assert (await Adt(service).patch("/digitaltwins/machine", add("/power", 1))).status == 204
    finally:
        await service.close()
