"""Rates of callers, and what they may use at once; the clock is the test's."""

import pytest

from twinfront_server.quotas.token_buckets import TokenBuckets


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def takes(buckets: TokenBuckets, caller: str = "a") -> int:
    """Counts the tokens that a caller can take now."""
    count = 0
    while not buckets.wait(caller):
        buckets.take(caller)
        count += 1
    return count


def test_a_quiet_caller_may_use_its_burst_at_once(clock: Clock):
    assert takes(TokenBuckets(10, 3, clock=clock)) == 30


def test_a_caller_that_has_used_its_burst_gets_the_rate(clock: Clock):
    buckets = TokenBuckets(10, 3, clock=clock)
    takes(buckets)
    assert buckets.wait("a") == pytest.approx(0.1)
    for _ in range(5):
        clock.now += 1
        assert takes(buckets) == 10


def test_a_bucket_holds_no_more_than_the_burst(clock: Clock):
    buckets = TokenBuckets(10, 3, clock=clock)
    takes(buckets)
    clock.now += 1e6
    assert takes(buckets) == 30


def test_a_rate_of_less_than_one_a_second_lets_one_through(clock: Clock):
    buckets = TokenBuckets(0.5, 1, clock=clock)
    assert takes(buckets) == 1
    assert buckets.wait("a") == pytest.approx(2)


def test_callers_have_buckets_of_their_own(clock: Clock):
    buckets = TokenBuckets(10, 1, clock=clock)
    assert (takes(buckets, "a"), takes(buckets, "b")) == (10, 10)


def test_what_cost_more_than_there_was_is_made_up_for(clock: Clock):
    buckets = TokenBuckets(100, 1, clock=clock)
    buckets.take("a", 500)
    assert buckets.wait("a") == pytest.approx((400 + 1) / 100)
    clock.now += 4.5
    assert takes(buckets) == 50


def test_a_rate_of_0_is_no_bound_and_takes_no_memory(clock: Clock):
    buckets = TokenBuckets(0, 1, clock=clock)
    for _ in range(1000):
        buckets.take("a", 1e9)
    assert buckets.wait("a") == 0
    assert not buckets._buckets


def test_the_caller_that_was_seen_least_recently_is_forgotten(clock: Clock):
    buckets = TokenBuckets(1, 1, clock=clock, most=100)
    for number in range(100):
        buckets.take(f"caller {number}")
    buckets.take("caller 0", 0)
    buckets.take("one more")
    assert len(buckets._buckets) == 100
    assert buckets.wait("caller 0") == pytest.approx(1)
    assert buckets.wait("caller 1") == 0


def test_the_wait_for_several_tokens_is_that_for_the_last(clock: Clock):
    buckets = TokenBuckets(10, 1, clock=clock)
    takes(buckets)
    assert buckets.wait("a", 5) == pytest.approx(0.5)


@pytest.mark.parametrize("taken", [0, 4, 10, 30])
def test_a_held_bucket_has_its_next_token_after_the_time_or_later(clock: Clock, taken: int):
    buckets = TokenBuckets(10, 1, clock=clock)
    buckets.take("a", taken)
    before = buckets.wait("a")
    buckets.hold("a", 1.5)
    assert buckets.wait("a") == pytest.approx(max(1.5, before))
    buckets.hold("a", 0.5)
    assert buckets.wait("a") == pytest.approx(max(1.5, before))
    clock.now += buckets.wait("a") + 1e-6
    assert takes(buckets) == 1


def test_a_bucket_without_a_bound_cannot_be_held(clock: Clock):
    buckets = TokenBuckets(0, 1, clock=clock)
    buckets.hold("a", 60)
    assert buckets.wait("a") == 0
