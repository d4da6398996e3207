"""Going through a list of the upstream from a position on."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest

from twinfront_server.adt.answer import Position
from twinfront_server.errors import TwinfrontError, invalid_argument
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Page
from twinfront_server.upstream.pages import (
    PAGE_BYTES,
    Fetch,
    Stretch,
    pages_ahead,
    pages_of_some_size,
    pages_one_by_one,
)

Walk = Callable[[Fetch, Position], AsyncGenerator[Stretch]]
NUMBERS = list(range(20))

both_ways = pytest.mark.parametrize("walk", [pages_one_by_one, pages_ahead])


class Upstream:
    """A list of numbers whose links are their places."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: list[str] = []

    async def fetch(self, link: str) -> Page:
        self.asked.append(link)
        start = int(link or 0)
        end = start + self.size
        return Page(NUMBERS[start:end], str(end) if end < len(NUMBERS) else "")


async def _walked(walk: Walk, upstream: Upstream, start: Position) -> list[tuple[int, Position]]:
    async with aclosing(walk(upstream.fetch, start)) as pages:
        return [step async for page in pages for step in page.items()]


@both_ways
async def test_each_item_comes_once_and_in_order(walk: Walk):
    assert [number for number, _ in await _walked(walk, Upstream(6), Position())] == NUMBERS


@both_ways
@pytest.mark.parametrize("later", [1, 3, 5, 6, 7, 100])
async def test_a_walk_goes_on_from_every_position_whatever_the_pages_are_by_then(walk: Walk, later: int):
    for number, position in await _walked(walk, Upstream(6), Position()):
        rest = await _walked(walk, Upstream(later), position)
        assert [each for each, _ in rest] == NUMBERS[number + 1 :]


@both_ways
async def test_what_is_to_be_skipped_may_be_more_than_there_is(walk: Walk):
    assert await _walked(walk, Upstream(6), Position("12", skip=9)) == []


@both_ways
async def test_the_end_of_a_page_says_what_is_still_to_be_skipped(walk: Walk):
    async with aclosing(walk(Upstream(6).fetch, Position("", skip=8))) as pages:
        first = await anext(pages)
    assert (list(first.items()), first.end) == ([], Position("6", skip=2))


async def test_pages_one_by_one_are_read_when_they_are_asked_for():
    upstream = Upstream(6)
    async with aclosing(pages_one_by_one(upstream.fetch, Position())) as pages:
        await anext(pages)
        await asyncio.sleep(0)
        assert upstream.asked == [""]


async def test_pages_ahead_are_one_ahead():
    upstream = Upstream(6)
    async with aclosing(pages_ahead(upstream.fetch, Position())) as pages:
        await anext(pages)
        await asyncio.sleep(0.01)
        assert upstream.asked == ["", "6"]


@both_ways
@pytest.mark.parametrize(("start", "reason"), [("12", "PAGE_TOKEN_INVALID"), ("6", "UPSTREAM_ANSWER_UNEXPECTED")])
async def test_a_link_that_is_refused_is_the_callers_fault_only_if_it_came_from_there(
    walk: Walk, start: str, reason: str
):
    upstream = Upstream(6)

    async def fetch(link: str) -> Page:
        if link == "12":
            raise invalid_argument("page_token", "is unknown", reason=Reason.PAGE_TOKEN_INVALID)
        return await upstream.fetch(link)

    with pytest.raises(TwinfrontError) as caught:
        async for _ in walk(fetch, Position(start)):
            pass
    assert caught.value.reason == reason


async def _asked(*pages: list[str], most: int = 1000) -> list[int]:
    """How many items are asked for, page by page, of a list with these pages."""
    asked = []

    async def fetch(link: str, wanted: int) -> Page:
        asked.append(wanted)
        return Page(pages[int(link or 0)], "")

    fetch_next = pages_of_some_size(fetch, most)
    for number in range(len(pages)):
        await fetch_next(str(number))
    return asked


def _of_size(size: int) -> str:
    """An item whose JSON has so many bytes."""
    return "x" * (size - 2)


async def test_a_page_of_a_stream_is_as_large_as_the_items_before_allow():
    assert PAGE_BYTES == 131_072
    assert await _asked([_of_size(1024)] * 100, [_of_size(512)] * 128, []) == [100, 128, 256]


async def test_items_of_all_parts_of_a_page_count_for_the_next():
    _, wanted = await _asked([_of_size(512)] * 50 + [_of_size(1536)] * 50, [])
    assert wanted == pytest.approx(128, rel=0.1)


@pytest.mark.parametrize(("size", "most", "wanted"), [(100_000, 1000, 10), (10, 1000, 1000), (10, 70, 70)])
async def test_neither_large_items_nor_small_ones_make_a_page_of_few_or_too_many(size: int, most: int, wanted: int):
    assert await _asked([_of_size(size)] * 20, [], most=most) == [min(100, most), wanted]


async def test_a_page_without_items_leaves_what_was_known_of_their_size():
    assert await _asked([_of_size(1024)] * 100, [], [], []) == [100, 128, 128, 128]


async def test_a_page_with_a_single_item_goes_by_that():
    assert await _asked([_of_size(1024)], []) == [100, 128]
