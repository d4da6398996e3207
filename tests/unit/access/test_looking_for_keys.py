"""Keys that tokens name and the server does not have: when the issuer is asked for them, and who waits for it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry
from tests.clock import Clock

from twinfront_program.log import get_logger
from twinfront_server.access import keys as module
from twinfront_server.access.key_set import KeySet, VerificationKey
from twinfront_server.access.key_source import KeysUnavailableError
from twinfront_server.access.keys import ABSENT_SECONDS, MAX_ABSENT, PAUSE_SECONDS, Keys
from twinfront_server.errors import TwinfrontError
from twinfront_server.metrics import Metrics

SECONDS_OF_A_READ = 0.25


def key_set(*names: str) -> KeySet:
    found = tuple(VerificationKey(name, frozenset({"ES256"}), None) for name in names)
    return KeySet(found, 0, repr(names).encode())


class SlowIssuer:
    """Answers with the keys that it had when it was asked, some time later.

    Attributes:
        has: its keys.
        asked: when it was asked.
        is_down: it fails.
        at_the_end: what happens just before it has answered.
    """

    def __init__(self) -> None:
        self.has = key_set("first")
        self.asked: list[float] = []
        self.is_down = False
        self.at_the_end: Callable[[], None] = lambda: None

    async def read(self) -> KeySet:
        self.asked.append(asyncio.get_running_loop().time())
        answer = replace(self.has)
        await asyncio.sleep(SECONDS_OF_A_READ)
        self.at_the_end()
        if self.is_down:
            raise KeysUnavailableError("it is down")
        return answer


@pytest.fixture
def issuer() -> SlowIssuer:
    return SlowIssuer()


@pytest.fixture
def keys(issuer: SlowIssuer) -> Keys:
    return Keys(issuer, issuer.has, Metrics(CollectorRegistry()), get_logger())


async def looked(keys: Keys, name: str, clock: Clock, seconds: float = SECONDS_OF_A_READ) -> bool:
    """Looks for a key for so long, and tells whether it is there then."""
    looking = asyncio.create_task(keys.look_for(name))
    await clock.advance(0)
    await clock.advance(seconds)
    assert looking.done()
    return bool(keys.find(name, "ES256"))


async def test_the_first_one_is_looked_for_at_once(keys: Keys, issuer: SlowIssuer, clock: Clock):
    issuer.has = key_set("first", "second")
    assert await looked(keys, "second", clock)


async def test_a_key_that_is_published_while_the_issuer_answers_is_in_the_next_read(
    keys: Keys, issuer: SlowIssuer, clock: Clock
):
    stranger = asyncio.create_task(keys.look_for("stranger"))
    await clock.advance(SECONDS_OF_A_READ / 2)
    issuer.has = key_set("first", "second")
    assert await looked(keys, "second", clock, PAUSE_SECONDS + SECONDS_OF_A_READ)
    assert stranger.done()
    assert len(issuer.asked) == 2


async def test_who_comes_at_the_moment_when_a_read_begins_waits_for_its_end(
    keys: Keys, issuer: SlowIssuer, clock: Clock
):
    clock.stand_still()
    issuer.has = key_set("first", "second")
    looking = [asyncio.create_task(keys.look_for("second"))]
    while not issuer.asked:
        await clock.advance(0)
    looking.append(asyncio.create_task(keys.look_for("second")))
    await clock.advance(0)
    assert [each.done() for each in looking] == [False, False]
    await clock.advance(SECONDS_OF_A_READ)
    assert [each.done() for each in looking] == [True, True]
    assert len(issuer.asked) == 1


async def test_who_comes_at_the_moment_when_a_read_ends_waits_for_the_next(
    keys: Keys, issuer: SlowIssuer, clock: Clock
):
    late: list[asyncio.Task[None]] = []

    def come() -> None:
        late.append(asyncio.create_task(keys.look_for("second")))

    issuer.at_the_end = come
    await looked(keys, "stranger", clock)
    issuer.at_the_end = lambda: None
    issuer.has = key_set("first", "second")
    await clock.advance(PAUSE_SECONDS + SECONDS_OF_A_READ)
    assert [each.done() for each in late] == [True]
    assert keys.find("second", "ES256")
    assert len(issuer.asked) == 2


async def test_any_number_of_names_costs_one_read_in_each_pause(keys: Keys, issuer: SlowIssuer, clock: Clock):
    looking = []
    for number in range(1000):
        looking.append(asyncio.create_task(keys.look_for(f"stranger {number}")))
        await clock.advance(0.01)
    await clock.advance(PAUSE_SECONDS + SECONDS_OF_A_READ)
    assert all(each.done() for each in looking)
    begun = [after - before for before, after in pairwise(issuer.asked)]
    assert min(begun) >= PAUSE_SECONDS * 0.999
    assert len(begun) >= 9


async def test_a_key_that_is_rotated_in_is_found_within_two_reads_whatever_else_is_looked_for(
    keys: Keys, issuer: SlowIssuer, clock: Clock
):
    strangers = []
    for number in range(300):
        if number == 150:
            issuer.has = key_set("second")
            good = asyncio.create_task(keys.look_for("second"))
        strangers.append(asyncio.create_task(keys.look_for(f"stranger {number}")))
        await clock.advance(0.01)
        if number > 150 + 100 * (PAUSE_SECONDS + SECONDS_OF_A_READ):
            assert good.done()
    assert keys.find("second", "ES256")
    assert not keys.find("first", "ES256")
    await clock.advance(PAUSE_SECONDS + SECONDS_OF_A_READ)
    assert all(each.done() for each in strangers)


async def test_a_name_that_was_looked_for_in_vain_is_left_alone_for_a_while(
    keys: Keys, issuer: SlowIssuer, clock: Clock
):
    assert keys.lacks("second")
    assert not await looked(keys, "second", clock)
    assert not keys.lacks("second")
    assert keys.lacks("third")
    issuer.has = key_set("second")
    await clock.advance(ABSENT_SECONDS)
    assert keys.lacks("second")
    assert await looked(keys, "second", clock)
    assert not keys.lacks("second")


async def test_a_name_that_is_left_alone_is_found_by_the_read_for_another(keys: Keys, issuer: SlowIssuer, clock: Clock):
    clock.stand_still()
    await looked(keys, "second", clock)
    issuer.has = key_set("second")
    await looked(keys, "third", clock, PAUSE_SECONDS)
    assert keys.find("second", "ES256")


async def test_an_issuer_that_is_down_keeps_nobody_longer_than_its_answer(keys: Keys, issuer: SlowIssuer, clock: Clock):
    issuer.is_down = True
    assert not await looked(keys, "second", clock)
    assert len(issuer.asked) == 1
    assert keys.find("first", "ES256")


async def test_no_more_names_are_remembered_than_may_be(keys: Keys, clock: Clock):
    clock.stand_still()
    looking = [asyncio.create_task(keys.look_for(f"stranger {number}")) for number in range(MAX_ABSENT)]
    await clock.advance(0)
    await clock.advance(SECONDS_OF_A_READ)
    assert all(each.done() for each in looking)
    await looked(keys, "one more", clock, PAUSE_SECONDS)
    assert len(keys._absent) == MAX_ABSENT
    assert keys.lacks("stranger 0")
    assert not keys.lacks("stranger 1")


async def test_who_finds_no_room_to_wait_is_told_to_come_again(
    keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    waiting = [asyncio.create_task(keys.look_for(f"stranger {number}")) for number in range(2)]
    await clock.advance(0)
    with pytest.raises(TwinfrontError) as refused:
        await keys.look_for("second")
    assert (refused.value.reason, refused.value.pushback_ms) == ("LIMIT_REACHED", 1000)
    await clock.advance(SECONDS_OF_A_READ)
    assert all(each.done() for each in waiting)
