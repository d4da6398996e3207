"""Room is made by the caller who takes up most, with the oldest of what it has."""

import random

from twinfront_server.outcomes.outcome import Key
from twinfront_server.outcomes.shares import Shares


def key(caller: str, name: int) -> Key:
    return Key("jwt", caller, "Method", str(name))


def test_the_oldest_of_who_has_most_goes_first() -> None:
    shares = Shares()
    for caller, name in (("a", 1), ("b", 1), ("b", 2), ("a", 2), ("b", 3)):
        shares.add(key(caller, name))
    assert shares.first_to_go() == key("b", 1)


def test_one_large_thing_weighs_as_much_as_many_small_ones() -> None:
    shares = Shares()
    shares.add(key("a", 1), 100)
    for name in range(5):
        shares.add(key("b", name), 10)
    assert shares.first_to_go() == key("a", 1)


def test_among_equals_who_was_there_first_goes_first() -> None:
    shares = Shares()
    for caller in "cab":
        shares.add(key(caller, 1))
    assert shares.first_to_go() == key("c", 1)


def test_what_is_not_there_can_be_discarded() -> None:
    shares = Shares()
    shares.discard(key("a", 1))
    shares.add(key("a", 1))
    shares.discard(key("a", 2))
    assert len(shares) == 1


def test_the_largest_share_is_found_whatever_came_and_went() -> None:
    """Compared with counting anew, and the ranking stays as small as there are callers."""
    shares, held, chance = Shares(), dict[Key, int](), random.Random(1)
    for step in range(5000):
        if held and chance.random() < 0.45:
            gone = chance.choice(list(held))
            shares.discard(gone)
            del held[gone]
        else:
            new = key(chance.choice("abcdefgh"), step)
            held[new] = chance.randrange(1, 50)
            shares.add(new, held[new])
        if held:
            totals: dict[str, int] = {}
            for each, size in held.items():
                totals[each.principal] = totals.get(each.principal, 0) + size
            first = shares.first_to_go()
            assert totals[first.principal] == max(totals.values())
            assert first == next(each for each in held if each.principal == first.principal)
        assert len(shares) == len(held)
        assert len(shares._ranking) < 100
