"""A fault is put into functions that there are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from .replacing import Functions, is_at_import, replaced

FILE: Final = Path("/source.py")

SOURCE: Final = """
from functools import cache

LIMIT = 7
SQUARES = [number * number for number in range(LIMIT)]


def within(number, limit=LIMIT):
    return number < limit


def passed_on(function):
    def passing_on(number):
        return function(number)

    return passing_on


@passed_on
def double(number):
    return 2 * number


@cache
def triple(number):
    return 3 * number


class Box:
    size = 4

    def fits(self, number):
        return any(number < each for each in [self.size])


first = lambda pair: pair[0]
"""


def with_fault(before: str, after: str) -> str:
    assert SOURCE.count(before) == 1
    return SOURCE.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after", "call", "right", "wrong"),
    [
        ("number < limit", "(number <= limit)", lambda module: module["within"](7), False, True),
        ("2 * number", "(2 + number)", lambda module: module["double"](5), 10, 7),
        ("return function(number)", "return number", lambda module: module["double"](5), 10, 10),
        ("function(number)", "(function(1))", lambda module: module["double"](5), 10, 2),
        ("3 * number", "(3 + number)", lambda module: module["triple"](4), 12, 7),
        ("number < each", "(number <= each)", lambda module: module["Box"]().fits(4), False, True),
        ("return any(number < each for each in [self.size])", "return None", lambda m: m["Box"]().fits(1), True, None),
        ("pair[0]", "pair[1]", lambda module: module["first"]((8, 9)), 8, 9),
    ],
    ids=[
        *("a function", "one that is wrapped", "one that closes over less", "one that closes over others"),
        *("one whose answers are kept", "a generator in a method", "a method that loses one", "a lambda"),
    ],
)
def test_a_function_that_a_fault_is_put_into_answers_otherwise(
    before: str, after: str, call: Callable[[dict[str, Any]], object], right: object, wrong: object
):
    module: dict[str, Any] = {}
    exec(compile(SOURCE, str(FILE), "exec"), module)
    functions = Functions.found()
    broken = with_fault(before, after)
    assert not is_at_import(SOURCE, broken)
    functions.replace(Path("/another.py"), replaced(SOURCE, broken))
    functions.replace(FILE, replaced(SOURCE, SOURCE))
    # What has been asked before is not asked again of a function that keeps its answers.
    assert before == "3 * number" or call(module) == right
    functions.replace(FILE, replaced(SOURCE, broken))
    assert call(module) == wrong


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 7", "LIMIT = 8"),
        ("number * number", "(number + number)"),
        ("limit=LIMIT", "limit=1"),
        ("size = 4", "size = 5"),
        ("@cache", "@passed_on"),
    ],
)
def test_what_a_module_runs_when_it_is_imported_is_told_from_functions(before: str, after: str):
    assert is_at_import(SOURCE, with_fault(before, after))
