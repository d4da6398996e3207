"""The newest changes of a log in memory."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from tests.changes.memory_log import MemoryLog

from twinfront_server.upstream.changes.partitioned_log import Portion
from twinfront_server.upstream.changes.ring import Ring
from twinfront_server.upstream.changes.source import Batch, Position


def filled(ring: Ring, partitions: Iterable[str]) -> MemoryLog:
    log = MemoryLog("0", "1", "2")
    for name in log._partitions:
        ring.begin(name, 0)
    starts = dict.fromkeys(log._partitions, 0)
    for partition in partitions:
        log.add(partition=partition)
        ring.add(log.portion(starts, 1))
    return log


def places(batch: Batch) -> list[tuple[str, int]]:
    return [(change.partition, change.sequence) for change in batch.changes]


def test_changes_come_in_the_order_in_which_they_were_read() -> None:
    ring = Ring()
    filled(ring, "0120")
    batch = ring.read({}, 10)
    assert places(batch) == [("0", 0), ("1", 0), ("2", 0), ("0", 1)]
    assert batch.position == {"0": 1, "1": 0, "2": 0}


def test_a_batch_ends_at_its_limit_and_the_next_one_goes_on_there() -> None:
    ring = Ring()
    filled(ring, "0012")
    first = ring.read({}, 3)
    assert places(first) == [("0", 0), ("0", 1), ("1", 0)]
    assert places(ring.read(first.position, 3)) == [("2", 0)]


def test_a_position_passes_what_is_no_change() -> None:
    ring = Ring()
    log = filled(ring, "0")
    log.add_message({}, b"temperature=20")
    log.add_gap()
    ring.add(log.portion({"0": 1}, 9))
    assert ring.read({"0": 0}, 9) == Batch([], {"0": 2, "1": -1, "2": -1})
    assert ring.has_news({"0": 1})
    assert not ring.has_news({"0": 2, "1": -1, "2": -1})


def test_the_oldest_change_goes_first_whichever_partition_it_is_in() -> None:
    ring = Ring(max_changes=2)
    filled(ring, "01120")
    assert ring.lacks({"0": 0, "1": 1, "2": -1}) == {}
    assert ring.lacks({"0": -1, "1": 0}) == {"0": 0, "1": 1}
    assert places(ring.read({"0": 0, "1": 1}, 9)) == [("2", 0), ("0", 1)]


def test_the_bytes_of_changes_are_bounded() -> None:
    ring = Ring(max_bytes=1000)
    filled(ring, "0" * 1000)
    held = ring.read({"0": 900}, 1000).changes
    assert ring.lacks({"0": 900})
    assert 0 < sum(len(change.data) for change in held) <= 1000


def test_a_partition_that_begins_anew_forgets_what_it_had() -> None:
    ring = Ring(max_changes=3)
    log = filled(ring, "0011")
    ring.begin("0", 40)
    assert ring.lacks({"0": 38, "1": -1}) == {"0": 39}
    for _ in range(3):
        log.add(partition="1")
    ring.add(log.portion({"1": 2}, 9))
    assert places(ring.read({"0": 39, "1": 1}, 9)) == [("1", 2), ("1", 3), ("1", 4)]


def test_a_portion_with_nothing_new_is_known_as_such() -> None:
    ring = Ring()
    filled(ring, "0")
    assert not ring.add(Portion([], {"0": 0, "1": -1}))
    assert ring.add(Portion([], {"1": 0}))


@given(
    st.lists(st.sampled_from("012"), max_size=60),
    st.integers(1, 20),
    st.integers(1, 5),
    st.fixed_dictionaries({}, optional={name: st.integers(-1, 20) for name in "012"}),
)
def test_readers_see_each_change_behind_their_position_once(
    partitions: list[str], kept: int, limit: int, after: Position
) -> None:
    ring = Ring(max_changes=kept)
    log = filled(ring, partitions)
    lacking = ring.lacks(after)
    position = {**after, **lacking}
    expected = {
        (name, number)
        for name, entries in log._partitions.items()
        for number in range(position.get(name, -1) + 1, len(entries))
    }
    seen: list[tuple[str, int]] = []
    while ring.has_news(position):
        batch = ring.read(position, limit)
        assert len(batch.changes) <= limit
        seen += places(batch)
        position = dict(batch.position)
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    for name in "012":
        assert [number for partition, number in seen if partition == name] == sorted(
            number for partition, number in expected if partition == name
        )
