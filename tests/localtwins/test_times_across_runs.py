"""Times rise from one run to the next, even if the system's clock is set back in between."""

import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from localtwins import LocalTwins

from .adt import MODELS, ROOM_TWIN, SENSOR, Adt, replace

A_DAY = 24 * 3600 * 10**9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The system's clock: one number, the nanoseconds since 1970."""
    now = [time.time_ns()]
    monkeypatch.setattr("localtwins.engine.clock.time.time_ns", lambda: now[0])
    return now


async def write(data_dir: Path) -> tuple[str, str]:
    """Change a twin and upload a model in a run of its own; give the times of both, which sort as text."""
    service = await LocalTwins.open(data_dir)
    adt = Adt(service)
    number = len((await adt.get("/models")).body["value"])
    uploaded = await adt.post("/models", [{**SENSOR, "@id": f"dtmi:test:Extra;{number + 1}"}])
    assert (await adt.patch("/digitaltwins/room", replace("/temperature", number))).status == 204
    twin = await adt.twin("room")
    await service.close()
    return twin["$metadata"]["$lastUpdateTime"], uploaded.body[0]["uploadTime"]


async def test_times_rise_although_the_clock_is_set_back(tmp_path: Path, clock: list[int]):
    service = await LocalTwins.open(tmp_path)
    await Adt(service).post("/models", MODELS)
    assert (await Adt(service).put("/digitaltwins/room", ROOM_TWIN)).status == 200
    await service.close()
    times = [await write(tmp_path)]
    for _ in range(2):
        clock[0] -= A_DAY
        times.append(await write(tmp_path))
    for before, after in pairwise(times):
        assert before[0] < after[0]
        assert before[1] < after[1]


async def test_times_follow_the_clock_again_once_it_has_caught_up(tmp_path: Path, clock: list[int]):
    service = await LocalTwins.open(tmp_path)
    await Adt(service).post("/models", MODELS)
    await Adt(service).put("/digitaltwins/room", ROOM_TWIN)
    await service.close()
    clock[0] -= A_DAY
    await write(tmp_path)
    clock[0] += 2 * A_DAY
    last_update, _ = await write(tmp_path)
    assert datetime.fromisoformat(last_update).timestamp() == pytest.approx(clock[0] / 10**9, abs=1e-3)
