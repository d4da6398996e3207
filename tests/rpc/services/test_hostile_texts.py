"""What a caller writes comes back in refusals, and is as long and as odd as the caller likes: it costs little time."""

import time
from collections.abc import Awaitable, Callable

import pytest

from .building import Building, add
from .refusal import refused

MOST_SECONDS = 1.0
"""Of processor time, for a request of 4 MB."""

MOST_GROWTH = 2.6
NOISE = 0.1
SIZES = [10_000, 100_000, 300_000, 4_000_000]
UNITS = [" ", "\n", "/a", "~1", ". See ", ". See https://", "dtmi:a;", "dtmi:", " for a on ", " was not found. ", "é"]


async def _seconds(call: Awaitable[object]) -> float:
    begin = time.process_time()
    await refused(call)
    return time.process_time() - begin


async def _check(call: Callable[[str], Awaitable[object]], unit: str, size: int) -> None:
    """Fails if a text takes long, or twice the text much more than twice as long."""
    await refused(call(unit))  # once before: the first call of a kind loads and caches
    half, whole = [await _seconds(call(unit * (part // len(unit.encode())))) for part in (size // 2, size)]
    assert whole < MOST_SECONDS
    assert whole < MOST_GROWTH * half + NOISE


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_path_of_spaces_in_a_patch(building: Building, size: int):
    await building.add_room("room")
    await _check(lambda text: building.patch("room", add(f"/a.{text}", 1)), " ", size)


@pytest.mark.parametrize("unit", UNITS, ids=repr)
async def test_a_long_path_in_a_patch(building: Building, unit: str):
    await building.add_room("room")
    await _check(lambda text: building.patch("room", add(f"/note{text}/x", 1)), unit, 300_000)


@pytest.mark.parametrize("unit", UNITS, ids=repr)
async def test_a_long_id(building: Building, unit: str):
    await _check(lambda text: building.read(f"a. {text}"), unit, 300_000)


@pytest.mark.parametrize("unit", UNITS, ids=repr)
async def test_a_long_name_of_a_property(building: Building, unit: str):
    await _check(lambda text: building.put_json(**{f"a.{text}": 1}), unit, 300_000)
