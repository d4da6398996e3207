"""Texts that are as bad as can be for a regular expression, made out of the expression itself.

An engine that backtracks is slow where a stretch of text can be matched in several ways and what follows does not
match: so samples of the parts of a pattern are repeated, behind what the pattern begins with, before what it does not
end with.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from re import _constants as sre  # what patterns are parsed into
from re import _parser as sre_parse
from typing import Any, Final

CHARACTERS: Final = 16_000
BOUND: Final = 0.05
"""Seconds for a text of `CHARACTERS`, which a pattern goes through in one or two thousandths of it. One that takes the
square of the length takes some ten times as long as this, and others never end."""

_SIZES: Final = (12, 18, 22, 300, 900, 3_000, CHARACTERS)
"""Growing, so that what takes exponential time is found out before it does."""

_ENDS: Final = ("", "\n", "\0", "!")
_SOME: Final = "aZ_0 -\n\t/.~!'\"\\[]{}(),:;$<>=\0é"
_CLASSES: Final = {
    sre.CATEGORY_DIGIT: "0",
    sre.CATEGORY_NOT_DIGIT: "a",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_NOT_SPACE: "a",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_WORD: " ",
}


def slow_text(pattern: re.Pattern[Any], *, searches: bool = True) -> str | None:
    """The text that a pattern takes too long for; None if there is none.

    Args:
        pattern: the pattern.
        searches: whether it is looked for anywhere in a text, and not matched at its beginning only.
    """
    for start, unit, end in _attacks(pattern):
        for size in _SIZES:
            times = max(1, size // len(unit))
            if _is_slow(pattern, start + unit * times + end, searches=searches):
                return f"{start!r} + {unit!r} * {times} + {end!r}"
    return None


def _is_slow(pattern: re.Pattern[Any], text: str, *, searches: bool) -> bool:
    subject = text.encode() if isinstance(pattern.pattern, bytes) else text
    uses: list[Callable[[], object]] = [lambda: pattern.fullmatch(subject), lambda: pattern.match(subject)]
    if searches:
        uses.append(lambda: sum(1 for _ in pattern.finditer(subject)))
    # Something else may have run in between, so a second time counts.
    return any(_seconds(use) > BOUND and _seconds(use) > BOUND for use in uses)


def _seconds(use: Callable[[], object]) -> float:
    begin = time.process_time()
    use()
    return time.process_time() - begin


def _attacks(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    text = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    items = list(sre_parse.parse(text, pattern.flags & ~re.DEBUG))
    starts, units = {""}, set(_parts(items))
    for index in range(1, len(items)):
        starts.update(_samples(items[:index]))
    for unit in sorted(filter(None, units)):
        for start in sorted(starts):
            for end in _ENDS:
                yield start, unit, end


def _parts(items: list[Any]) -> Iterator[str]:
    """Samples of everything that a pattern could be in the middle of."""
    for begin in range(len(items)):
        for end in {begin + 1, len(items)}:
            yield from _samples(items[begin:end])
    for op, argument in items:
        for inner in _inside(op, argument):
            yield from _parts(inner)


def _inside(op: Any, argument: Any) -> Iterator[list[Any]]:
    if op in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
        yield list(argument[2])
    elif op is sre.SUBPATTERN:
        yield list(argument[-1])
    elif op is sre.BRANCH:
        yield from map(list, argument[1])
    elif op is sre.ATOMIC_GROUP:
        yield list(argument)
    elif op in {sre.ASSERT, sre.ASSERT_NOT}:
        yield list(argument[1])


def _samples(items: Iterable[Any]) -> set[str]:
    items = list(items)
    return {_joined(items, choice) for choice in range(3)}


def _joined(items: Iterable[Any], choice: int) -> str:
    return "".join(_sample(op, argument, choice) for op, argument in items)


def _sample(op: Any, argument: Any, choice: int) -> str:
    """One text that a part of a pattern matches, roughly: the choice says which."""
    if op is sre.LITERAL:
        return chr(argument)
    if op is sre.NOT_LITERAL:
        return "b" if argument == ord("a") else "a"
    if op is sre.ANY:
        return "a"
    if op is sre.IN:
        return _of_set(argument, choice)
    if op in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
        least, most, inner = argument
        return _joined(inner, choice) * max(least, min(most, choice, 2))
    if op is sre.BRANCH:
        branches = argument[1]
        return _joined(branches[choice % len(branches)], choice)
    if op is sre.ASSERT and argument[0] > 0:  # what lies ahead is matched by what follows
        return ""
    if op is sre.ASSERT_NOT or op is sre.AT:
        return ""
    return "".join(_joined(inner, choice) for inner in _inside(op, argument))


def _of_set(members: list[tuple[Any, Any]], choice: int) -> str:
    if members[0][0] is sre.NEGATE:
        allowed = [character for character in _SOME if not _is_in(members[1:], character)]
        return allowed[choice % len(allowed)] if allowed else ""
    chosen, argument = members[choice % len(members)]
    if chosen is sre.RANGE:
        return chr(argument[0])
    return _CLASSES[argument] if chosen is sre.CATEGORY else chr(argument)


def _is_in(members: list[tuple[Any, Any]], character: str) -> bool:
    for kind, argument in members:
        if kind is sre.RANGE and argument[0] <= ord(character) <= argument[1]:
            return True
        if kind is sre.LITERAL and argument == ord(character):
            return True
        if kind is sre.CATEGORY and (_CLASSES[argument] == " ") == character.isspace():
            return True
    return False
