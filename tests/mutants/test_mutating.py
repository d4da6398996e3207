"""The faults that the server is broken with."""

import pytest

from .mutating import mutants_of


def faults(source: str) -> set[str]:
    return {mutant.applied(source) for mutant in mutants_of(source)}


@pytest.mark.parametrize(
    ("source", "broken"),
    [
        ("x = a < b", {"x = (a <= b)"}),
        ("x = a is None", {"x = (a is not None)"}),
        ("x = a and b", {"x = (a or b)"}),
        ("x = not a", {"x = (a)"}),
        ("x = a - b", {"x = (a + b)"}),
        ("x += y", {"x -= y"}),
        ("x = 7", {"x = 8"}),
        ("x = True", {"x = False"}),
        ("x = 'word'", {"x = ''"}),
        ("x = f(a, b)", {"x = (f(b, a))"}),
        ("f()", {"pass"}),
        ("raise x", {"pass"}),
        ("if a:\n    x = y", {"if (not (a)):\n    x = y"}),
        ("if a == b:\n    x = y", {"if (a != b):\n    x = y"}),
        ("def f():\n    return True", {"def f():\n    return False", "def f():\n    return None"}),
        ("def f():\n    return False", {"def f():\n    return True"}),
        ("def f():\n    return x", {"def f():\n    return None"}),
        ("while a:\n    break", {"while (not (a)):\n    break", "while a:\n    continue"}),
        ("ä = a or 'ö'", {"ä = (a and 'ö')", "ä = a or ''"}),
    ],
)
def test_each_kind_of_fault_is_made(source: str, broken: set[str]):
    assert faults(source) == broken


@pytest.mark.parametrize(
    "source",
    [
        '"""Says one thing."""',
        "x = 'a message with spaces'",
        "x = f'{a}'",
        "import a",
        "x: Literal['a']",
        "def f(a: Literal['b']) -> Literal['c']:\n    x = a",
        "@dataclass(frozen=True)\nclass A:\n    x = a",
        "if TYPE_CHECKING:\n    x = 1",
        "T = TypeVar('T')",
        "P = ParamSpec('P')",
        "load_later('a.b')",
        "NAME = load_later('a.b')",
        "x = min(a, b)",
    ],
)
def test_what_says_nothing_of_behaviour_stays_as_it_is(source: str):
    assert faults(source) == set()


def test_a_fault_keeps_the_lines_where_they_are():
    source = "def f():\n    if a:\n        g(1,\n          2)\n    return b\n"
    assert {mutant.line for mutant in mutants_of(source)} == {2, 3, 4, 5}
