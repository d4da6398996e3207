"""What a watcher may not have been told, or not been told of, is found."""

import random
from array import array
from collections.abc import Sequence
from typing import Any

import pytest

from .copy import Copy
from .filters import Filter
from .graph import LAB, METER, ROOM
from .judging import problems_of
from .log import Row
from .watcher import Habits, Stretch, Surroundings, Watcher

NOBODY = Surroundings(targets=list, token=lambda _is_limited: "", log=None, jobs={"job": 0})  # type: ignore[arg-type]


def row(position: int, kind: str, twin_id: str = "a-1", **more: Any) -> Row:
    parts = {
        "relationship_id": "",
        "model_id": ROOM,
        "etag": f'W/"{position}"',
        "previous_model_id": "",
        "target_id": "",
        "relationship_name": "",
        "previous_target_id": "",
        "previous_relationship_name": "",
        "paths": ("/level",) if kind.endswith("UPDATED") else (),
        "job_id": "job" if kind.startswith("JOB") else "",
        "is_of_delete_job": False,
        "logged": position,
    }
    return Row(position=position, kind=kind, twin_id=twin_id, **(parts | more))


ROWS = [
    row(1, "TWIN_CREATED"),
    row(2, "TWIN_CREATED", "b-1"),
    row(3, "TWIN_UPDATED"),
    row(4, "JOB_WROTE", ""),
    row(5, "JOB_WROTE", ""),
    row(6, "JOB_ENDED", ""),
    row(7, "TWIN_UPDATED", model_id=METER, previous_model_id=ROOM),
    row(8, "TWIN_UPDATED", model_id=LAB, previous_model_id=METER),
    row(9, "TWIN_DELETED", model_id=LAB),
]


def judged(wanted: Filter, told: Sequence[int], **stretch: Any) -> list[str]:
    """The problems of a watcher who was told this."""
    watcher = Watcher(wanted, Habits(), NOBODY, random.Random(1))
    watcher.is_done = True
    watcher.stretches.append(Stretch(**({"start": 0, "is_last": True} | stretch), told=array("q", told)))
    return problems_of(watcher, ROWS, {"job": 0})


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Filter(), [1, 2, 3, -1, 7, 8, 9]),
        (Filter(prefixes=("b-",)), [2, -1]),
        (Filter(paths=("/note",)), [1, 2, -1, 9]),
        (Filter(models=frozenset({ROOM})), [1, 2, 3, -1, 7, 8, 9]),
        (Filter(models=frozenset({ROOM})), [1, 2, 3, -1, 7, 9]),  # the twin was gone when the 8th was told
        (Filter(models=frozenset({METER})), [-1, 7, 8]),
        (Filter(kinds=frozenset({"TWIN_DELETED"}), models=frozenset({METER})), [-1, 8]),
    ],
)
def test_what_fits_the_filter_is_what_is_to_be_told(wanted: Filter, told: list[int]):
    assert judged(wanted, told) == []


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ([1, 2, -1, 7, 8, 9], "it was not told 1 of 7: 3 (TWIN_UPDATED a-1/)"),
        ([1, 2, 3, -1, 7, 8], "it was not told 1 of 7: 9 (TWIN_DELETED a-1/)"),
        ([1, 2, 3, 7, 8, 9], "it was not told 1 of 7: job 0"),
        ([1, 2, 3, -1, 7, 7, 8, 9], "it was told changes in another order, or twice"),
        ([2, 1, 3, -1, 7, 8, 9], "it was told changes in another order, or twice"),
        ([1, 2, 3, -1, 5, 7, 8, 9], "it was told 1 that are not for it: 5 (JOB_WROTE /)"),
    ],
)
def test_what_is_missing_or_too_much_or_in_another_order_is_found(told: list[int], problem: str):
    assert judged(Filter(), told) == [problem]


def test_before_a_gap_nothing_is_missing_up_to_the_last_change_that_was_told():
    assert judged(Filter(), [1, 2, 3], is_last=False, lost=5) == []
    assert judged(Filter(), [1, 3], is_last=False, lost=5) == ["it was not told 1 of 3: 2 (TWIN_CREATED b-1/)"]


def test_a_gap_that_is_none_is_found():
    assert judged(Filter(), [1, 2, 3], is_last=False, lost=3) == [
        "it was told that changes are lost, but only those up to 3 were"
    ]


def test_behind_the_state_nothing_is_missing():
    state = {"has_state": True, "start": 2, "end_of_state": 0}
    assert judged(Filter(), [3, -1, 7, 8, 9], **state) == []
    assert judged(Filter(), [2, 3, -1, 7, 8, 9], **state) == []
    assert judged(Filter(), [-1, 7, 8, 9], **state) == ["it was not told 1 of 4: 3 (TWIN_UPDATED a-1/)"]
    assert judged(Filter(), [3, 7, 8, 9], **state) == ["it was not told of job job"]


def test_changes_that_come_with_the_state_come_in_order_and_once():
    problem = "it was told changes in another order, or twice, while or after the state came"
    assert problem in judged(Filter(), [3, 3, 7, 8, 9], has_state=True, start=3, end_of_state=2)


def test_who_was_never_told_that_all_was_told_has_a_problem():
    watcher = Watcher(Filter(), Habits(), NOBODY, random.Random(1))
    assert problems_of(watcher, ROWS, {}) == ["it was never told that all has been told"]


class TestCopies:
    """Copies find what does not fit to what they have."""

    def test_what_is_told_of_something_that_is_not_there_is_a_problem(self):
        copy = Copy(is_exact=True)
        copy.begin()
        copy.item({"$dtId": "a-1", "level": 1, "$etag": 'W/"1"'})
        copy.change(ROWS[0], "TWIN_CREATED", [], {"$dtId": "a-1"})
        copy.change(row(2, "TWIN_UPDATED", "b-1"), "TWIN_UPDATED", [("add", "/level", 2)], None)
        assert copy.problems == [
            "TWIN_CREATED of ('a-1', '') at 1, which was there",
            "TWIN_UPDATED of ('b-1', '') at 2, which was not there",
        ]

    def test_what_is_another_in_the_graph_is_a_difference(self):
        copy = Copy(is_exact=True)
        copy.begin()
        copy.item({"$dtId": "a-1", "level": 1, "$etag": 'W/"1"'})
        copy.change(ROWS[2], "TWIN_UPDATED", [("replace", "/level", 2)], None)
        twin = {"$dtId": "a-1", "level": 2, "$etag": 'W/"3"'}
        assert copy.differences({("a-1", ""): twin}, Filter()) == []
        assert len(copy.differences({("a-1", ""): twin | {"level": 3}}, Filter())) == 1
        assert len(copy.differences({("a-1", ""): twin, ("b-1", ""): twin}, Filter())) == 1
        assert len(copy.differences({}, Filter())) == 1

    def test_behind_a_reset_a_copy_is_not_judged_until_the_state_comes_anew(self):
        copy = Copy(is_exact=True)
        copy.begin()
        copy.spoil()
        copy.change(row(2, "TWIN_UPDATED", "b-1"), "TWIN_UPDATED", [], None)
        assert copy.differences({("a-1", ""): {"$dtId": "a-1"}}, Filter()) == copy.problems == []
        copy.begin()
        assert len(copy.differences({("a-1", ""): {"$dtId": "a-1"}}, Filter())) == 1
