"""A service in memory with the tests' models, and one with their twins too."""

from collections.abc import AsyncIterator

import pytest

from localtwins import LocalTwins

from .adt import MACHINE_TWIN, MODELS, ROOM_TWIN, SPACE_TWIN, Adt


@pytest.fixture
async def empty() -> AsyncIterator[Adt]:
    service = await LocalTwins.open(":memory:")
    yield Adt(service)
    await service.close()


@pytest.fixture
async def adt(empty: Adt) -> Adt:
    assert (await empty.post("/models", MODELS)).status == 201
    return empty


@pytest.fixture
async def graph(adt: Adt) -> Adt:
    """The twins room, hall (a space) and machine, unrelated."""
    for twin_id, twin in {"room": ROOM_TWIN, "hall": SPACE_TWIN, "machine": MACHINE_TWIN}.items():
        assert (await adt.put(f"/digitaltwins/{twin_id}", twin)).status == 200
    return adt
