"""Puts a fault into functions of modules that are imported already."""

import gc
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final, Self

_OPTIMIZED: Final = 0x1
"""The flag of code that is a function's, and not a module's or the body of a class."""

_COMPREHENSIONS: Final = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
"""The names of code that is made like a function's, and runs where it stands."""


class Functions:
    """All functions that there are."""

    def __init__(self, functions: dict[tuple[str, CodeType], list[FunctionType]]) -> None:
        self._functions = functions

    @classmethod
    def found(cls) -> Self:
        """Finds them, those too that garbage collection passes over."""
        functions = defaultdict(list)
        gc.unfreeze()
        for each in gc.get_objects():
            if type(each) is FunctionType:
                functions[each.__code__.co_filename, each.__code__].append(each)
        gc.freeze()
        return cls(functions)

    def replace(self, file: Path, codes: dict[CodeType, CodeType]) -> None:
        """Gives functions of a file other code.

        One that has got what it closes over keeps its code, if the other closes over more or less.
        """
        for before, after in codes.items():
            if len(before.co_freevars) == len(after.co_freevars):
                for function in self._functions.get((str(file), before), []):
                    function.__code__ = after


def is_at_import(before: str, after: str) -> bool:
    """Tells whether two sources of a module differ in what it runs when it is imported.

    >>> is_at_import("def f():\n    return 1", "def f():\n    return 2")
    False
    >>> is_at_import("def f(x=1):\n    return x", "def f(x=2):\n    return x")
    True
    """
    return _at_import(_compiled(before)) != _at_import(_compiled(after))


def replaced(before: str, after: str) -> dict[CodeType, CodeType]:
    """Gives the code of functions that a fault changes, each with what it becomes.

    Args:
        before: the source of their module.
        after: the same with a fault.
    """
    return _replaced(_compiled(before), _compiled(after))


def _replaced(before: CodeType, after: CodeType) -> dict[CodeType, CodeType]:
    changed = {before: after} if _is_function(before) and before != after else {}
    inner = [_inner(code) for code in (before, after)]
    if len(inner[0]) == len(inner[1]):  # those within one that is left out can be of no function that there is
        for one, other in zip(*inner, strict=True):
            changed |= _replaced(one, other)
    return changed


def _at_import(code: CodeType) -> list[CodeType]:
    """Gives the code of a module and of the bodies of its classes, each without what is within it.

    The columns are left out too, since a fault in a function may move them.
    """
    consts = tuple(None if isinstance(const, CodeType) else const for const in code.co_consts)
    own = code.replace(co_consts=consts, co_linetable=b"")
    return [own, *(each for inner in _inner(code) if not _is_function(inner) for each in _at_import(inner))]


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & _OPTIMIZED) and code.co_name not in _COMPREHENSIONS


def _inner(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def _compiled(source: str) -> CodeType:
    return compile(source, "", "exec", dont_inherit=True)
