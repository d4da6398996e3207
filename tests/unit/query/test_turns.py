"""Who goes first when few may run at a time."""

import threading
import time
from collections.abc import Callable
from functools import partial

from localtwins.store.turns import Turn, Turns

PATIENCE = 20.0


def never() -> bool:
    return False


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def waiting(turns: Turns, count: int) -> None:
    """Wait until so many wait for their turn."""
    end = time.monotonic() + PATIENCE
    while len(turns._waiting) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_no_more_run_than_there_are_places():
    turns = Turns(2)
    first, second, third = (turns.turn(never) for _ in range(3))
    assert first.begin()
    assert second.begin()
    began = threading.Event()

    def begin() -> None:
        assert third.begin()
        began.set()

    in_thread(begin)
    waiting(turns, 1)
    assert not began.is_set()
    second.end()
    assert began.wait(PATIENCE)


def test_a_query_that_has_run_lets_one_go_first_that_has_not():
    turns = Turns(1)
    long, short = turns.turn(never), turns.turn(never)
    assert long.begin()
    order: list[str] = []

    def run_short() -> None:
        assert short.begin()
        order.append("short")
        short.end()

    thread = in_thread(run_short)
    waiting(turns, 1)
    while not order:
        assert long.go_on()
    order.append("long")
    thread.join(PATIENCE)
    assert order == ["short", "long"]


def test_queries_that_have_run_least_go_first():
    turns = Turns(1)
    holder = turns.turn(never)
    assert holder.begin()
    order: list[float] = []

    def run(turn: Turn) -> None:
        assert turn.begin()
        order.append(turn.used)
        turn.end()

    threads = []
    for number, used in enumerate((3.0, 1.0, 2.0, 0.0)):
        turn = turns.turn(never)
        turn.used = used
        threads.append(in_thread(partial(run, turn)))
        waiting(turns, number + 1)
    holder.end()
    for thread in threads:
        thread.join(PATIENCE)
    assert [round(used) for used in order] == [0, 1, 2, 3]


def test_a_query_that_is_to_stop_waits_no_longer_and_takes_no_turn():
    turns = Turns(1)
    holder, other = turns.turn(never), turns.turn(never)
    assert holder.begin()
    stopped = turns.turn(lambda: True)
    assert not stopped.begin()
    holder.end()
    assert other.begin()


def test_a_query_that_is_to_stop_does_not_go_on():
    stop = threading.Event()
    turn = Turns(1).turn(stop.is_set)
    assert turn.begin()
    assert turn.go_on()
    stop.set()
    assert not turn.go_on()
    turn.end()


def test_an_end_that_comes_twice_gives_one_turn():
    turns = Turns(1)
    first = turns.turn(never)
    assert first.begin()
    first.end()
    first.end()
    assert turns.turn(never).begin()
    assert not turns.turn(lambda: True).begin()
