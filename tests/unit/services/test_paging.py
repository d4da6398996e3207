"""Pages for callers out of pages of an upstream that has sizes of its own."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from twinfront.v1.query_service_pb2 import QueryTwinsRequest, QueryTwinsResponse
from twinfront_server.services.paging import MAX_PAGE_BYTES, Paging
from twinfront_server.upstream import Page
from twinfront_server.wire.page_token import PageTokens
from twinfront_server.wire.query import fill_row

TOKENS = PageTokens(None)


class Upstream:
    """Rows of given sizes; `answered` limits the next pages, one each, and all later ones by its last number."""

    def __init__(self, sizes: list[int], answered: list[int] | None = None) -> None:
        self.rows = [{"number": number, "text": "x" * size} for number, size in enumerate(sizes)]
        self.answered = answered or [1000]
        self.asked: list[tuple[int, int]] = []

    async def fetch(self, link: str, size: int) -> Page:
        limit = self.answered.pop(0) if len(self.answered) > 1 else self.answered[0]
        start = int(link or 0)
        self.asked.append((start, size))
        end = start + min(size, limit)
        return Page(self.rows[start:end], str(end) if end < len(self.rows) else "")


async def _page(
    upstream: Upstream, page_size: int, token: str = "", max_bytes: int = 16 << 20
) -> tuple[list[int], str, int]:
    """The numbers of a page's rows, the token of the next one, and the bytes of the response."""
    request = QueryTwinsRequest(query="…", page_size=page_size, page_token=token)
    response = QueryTwinsResponse()
    fill = partial(fill_row, as_json=True, metadata=True)
    await Paging(TOKENS, max_bytes).fill(request, response, response.rows, upstream.fetch, fill)
    numbers = [orjson.loads(row.json)["number"] for row in response.rows]
    return numbers, response.next_page_token, response.ByteSize()


async def _pages(upstream: Upstream, sizes: Iterator[int], **options: Any) -> list[tuple[list[int], int]]:
    """All pages, of sizes that the caller changes as it goes, with the bytes of each."""
    pages, token = [], ""
    while True:
        numbers, token, size = await _page(upstream, next(sizes), token, **options)
        pages.append((numbers, size))
        if not token:
            return pages


def _always(size: int) -> Iterator[int]:
    while True:
        yield size


async def test_a_page_goes_on_where_the_last_one_ended_though_the_upstream_cuts_its_own_otherwise():
    upstream = Upstream([1] * 3000, answered=[400, 1000, 70])
    first, token, _ = await _page(upstream, 1000)
    second, _, _ = await _page(upstream, 100, token)
    assert (first, second) == (list(range(1000)), list(range(1000, 1100)))


async def test_only_what_is_missing_is_asked_for():
    upstream = Upstream([1] * 3000, answered=[400, 1000])
    await _page(upstream, 1000)
    assert upstream.asked == [(0, 1000), (400, 600)]


@given(
    st.lists(st.integers(0, 3000), max_size=60),
    st.lists(st.integers(1, 20), min_size=1),
    st.lists(st.integers(1, 30), min_size=1, max_size=200),
)
async def test_whatever_the_sizes_each_row_comes_once_and_responses_are_bounded(
    sizes: list[int], answered: list[int], wanted: list[int]
):
    upstream = Upstream(sizes, answered)
    pages = await _pages(upstream, iter([*wanted, *[7] * 100]), max_bytes=10_000)
    assert [number for numbers, _ in pages for number in numbers] == list(range(len(sizes)))
    assert all(size <= 10_000 for _, size in pages)


async def test_large_rows_make_pages_that_any_client_takes_in():
    pages = await _pages(Upstream([27_000] * 800), _always(800))
    assert [number for numbers, _ in pages for number in numbers] == list(range(800))
    assert MAX_PAGE_BYTES // 2 < pages[0][1] < MAX_PAGE_BYTES
    assert all(size < MAX_PAGE_BYTES for _, size in pages)


async def test_large_rows_are_not_read_over_and_over():
    upstream = Upstream([27_000] * 800)
    pages = await _pages(upstream, _always(800))
    read = [min(size, 800 - start) for start, size in upstream.asked]
    assert len(read) == len(pages)
    assert sum(read[1:]) < 880, "what follows on the first page, whose rows nobody knew to be large"


async def test_a_row_that_is_larger_than_a_page_goes_alone():
    pages = await _pages(Upstream([10, 5 << 20, 10, 10]), _always(1000))
    assert [numbers for numbers, _ in pages] == [[0], [1], [2, 3]]


async def test_rows_that_become_small_again_make_full_pages_in_few_reads():
    upstream = Upstream([5 << 20, 5 << 20, *[10] * 3000])
    pages = await _pages(upstream, _always(1000))
    assert [len(numbers) for numbers, _ in pages] == [1, 1, 1000, 1000, 1000]
    assert len(upstream.asked) < 10


async def test_small_rows_are_read_once():
    upstream = Upstream([100] * 2500)
    pages = await _pages(upstream, _always(1000))
    assert [len(numbers) for numbers, _ in pages] == [1000, 1000, 500]
    assert upstream.asked == [(0, 1000), (1000, 1000), (2000, 1000)]


async def test_the_servers_own_limit_counts_too():
    pages = await _pages(Upstream([1000] * 50), _always(50), max_bytes=8000)
    assert max(size for _, size in pages) <= 8000
