"""No text makes a regular expression slow: each one goes through its text once, whatever is in it.

A pattern that backtracks without bound over what a caller wrote stops the whole server, and no deadline helps.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lark.load_grammar import load_grammar

import localtwins
import twinfront
import twinfront_program
import twinfront_server

from .attacks import slow_text

PACKAGES = (localtwins, twinfront, twinfront_program, twinfront_server)
SEARCHES = {"search", "findall", "finditer", "split", "sub", "subn"}


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(("__main__", "_pb2", "_pb2_grpc")):
                yield importlib.import_module(found.name)


MODULES = list(_modules())


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _patterns(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _patterns(member)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes) and isinstance(value, tuple | list | set):
        for member in value:
            yield from _patterns(member)


@cache
def _searched(module: ModuleType) -> set[str]:
    """The names on which something is called that looks anywhere in a text."""
    return {
        node.value.id
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in SEARCHES
    }


Place = tuple[ModuleType, str] | None
"""The module and the name that a pattern is kept under; None for one of a grammar."""


def _kept() -> Iterator[tuple[str, re.Pattern[Any], Place]]:
    for module in MODULES:
        for name, value in vars(module).items():
            for index, pattern in enumerate(_patterns(value)):
                yield f"{module.__name__}.{name}[{index}]", pattern, (module, name)


def _of_grammars() -> Iterator[tuple[str, re.Pattern[Any], Place]]:
    for package in PACKAGES:
        for file in sorted(Path(str(files(package))).rglob("*.lark")):
            grammar, _ = load_grammar(file.read_text(), file.name, [], global_keep_all_tokens=False)
            for name, (tree, _), *_ in grammar.term_defs:
                for token in tree.scan_values(lambda value: value.type == "REGEXP"):
                    text, _, flags = token[1:].rpartition("/")
                    yield f"{file.name} {name}", re.compile(f"(?{flags}){text}" if flags else text), None


PATTERNS = [*_kept(), *_of_grammars()]


@pytest.mark.parametrize(("name", "pattern", "place"), PATTERNS, ids=[name for name, *_ in PATTERNS])
def test_no_text_is_slow_to_match(name: str, pattern: re.Pattern[Any], place: Place):
    slow = slow_text(pattern, searches=place is not None and place[1] in _searched(place[0]))
    assert slow is None, f"{name} ({pattern.pattern!r}) takes long for {slow}"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_patterns_are_made_once_and_never_of_a_text_that_came_in(module: ModuleType):
    for function in ast.walk(_tree(module)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re"), (
                    f"{module.__name__}, line {node.lineno}: a pattern belongs at the top of the module, in a constant"
                )


def test_patterns_come_from_one_module():
    for module in MODULES:
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.ImportFrom):
                assert node.module not in {"re", "regex"}, f"{module.__name__}: import re"
            if isinstance(node, ast.Import):
                assert not {"regex"} & {alias.name for alias in node.names}, f"{module.__name__}: import re"


@pytest.mark.parametrize(
    "text",
    [
        r"(?:(?<=[.!?])\s+(?:See|Check)\b[^.]*|\s+See samples in )https?://\S+.*$",
        r"\s+$",
        r"(a+)+$",
        r"(?:a|a)*b",
        r"(?:[a-z]+,?)*;",
        r"\d+\d+x",
        r"(?P<name>.+?) does not appear on .+?\.",
    ],
)
def test_what_is_slow_is_found_out(text: str):
    assert slow_text(re.compile(text, re.DOTALL)) is not None


def test_what_backtracks_without_bound_at_one_place_is_found_out():
    assert slow_text(re.compile(r"type .+ for (?P<name>\S+) on (?P<owner>.+?)\.?"), searches=False) is not None
