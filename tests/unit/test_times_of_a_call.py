"""How long a call was with the server, and how long with the upstream."""

import pytest

from twinfront_server import call as call_module
from twinfront_server.call import Call


class Clock:
    """A performance counter that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(call_module, "perf_counter", clock)
    return clock


def new_call(now: Clock) -> Call:
    return Call(call_id="", method="", deadline=None, started=now.now)


def test_a_call_that_asks_nothing_is_with_the_server_all_the_time(now: Clock) -> None:
    call = new_call(now)
    now.now += 0.5
    assert call.server_seconds() == 0.5


def test_the_time_of_a_request_is_the_upstreams(now: Clock) -> None:
    call = new_call(now)
    now.now += 0.5
    call.upstream_asked(now.now)
    now.now += 8
    call.upstream_left(now.now)
    now.now += 0.25
    assert call.server_seconds() == 0.75


def test_the_time_between_two_requests_is_the_servers(now: Clock) -> None:
    call = new_call(now)
    for _ in range(2):
        call.upstream_asked(now.now)
        now.now += 8
        call.upstream_left(now.now)
        now.now += 0.25
    assert call.server_seconds() == 0.5


def test_of_requests_at_the_same_time_the_time_counts_once(now: Clock) -> None:
    call = new_call(now)
    call.upstream_asked(now.now)
    now.now += 2
    call.upstream_asked(now.now)
    now.now += 2
    call.upstream_left(now.now)
    now.now += 2
    call.upstream_left(now.now)
    now.now += 0.5
    assert (call.upstream_waited, call.server_seconds()) == (6, 0.5)


def test_a_request_that_is_still_at_the_upstream_counts_so_far(now: Clock) -> None:
    call = new_call(now)
    now.now += 0.5
    call.upstream_asked(now.now)
    now.now += 8
    assert call.server_seconds() == 0.5


def test_a_call_takes_over_what_another_did_for_it(now: Clock) -> None:
    call, own = new_call(now), new_call(now)
    own.upstream_asked(now.now)
    now.now += 2
    own.upstream_left(now.now)
    own.upstream_asked(now.now)
    own.upstream_seconds, own.upstream_attempts = 2.0, 2
    now.now += 3
    call.take_upstream_figures(own)
    assert (call.upstream_seconds, call.upstream_attempts, call.server_seconds()) == (2.0, 2, 0.0)
