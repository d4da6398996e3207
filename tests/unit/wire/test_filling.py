"""Lists of messages that are filled up to a size."""

import pytest

from twinfront.v1.query_service_pb2 import QueryRow, QueryTwinsResponse
from twinfront_server.wire.filling import FRAMING, Filling, room_for_items


def _fill(row: QueryRow, size: int) -> None:
    row.json = b"x" * size


def _filled(*sizes: int, max_bytes: int = 100, max_items: int | None = None) -> tuple[list[bool], list[int]]:
    response = QueryTwinsResponse()
    filling = Filling(response.rows, _fill, max_bytes=max_bytes, max_items=max_items)
    added = [filling.add(size) for size in sizes]
    assert filling.count == len(response.rows)
    assert response.ByteSize() <= filling.bytes
    return added, [len(row.json) for row in response.rows]


def test_items_are_added_for_as_long_as_they_have_room():
    assert _filled(30, 30, 30) == ([True, True, False], [30, 30])


def test_a_smaller_item_may_still_have_room():
    assert _filled(30, 60, 40) == ([True, False, True], [30, 40])


@pytest.mark.parametrize("size", [100, 1000])
def test_an_item_larger_than_a_message_goes_alone(size: int):
    assert _filled(size, 1) == ([True, False], [size])


def test_there_may_be_a_number_that_is_enough():
    assert _filled(1, 1, 1, max_items=2) == ([True, True, False], [1, 1])


def test_empty_items_take_up_their_framing():
    added, _ = _filled(*[0] * 20, max_bytes=10 * FRAMING)
    assert added == [True] * 10 + [False] * 10


def test_a_message_has_room_for_a_token_beside_its_items():
    assert room_for_items(4 << 20) == (4 << 20) - (256 << 10)
