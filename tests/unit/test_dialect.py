"""One dialect in all packages, as far as the sources themselves can be asked: what ruff has no rule for."""

import ast
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LOCALTWINS = CHECKOUT / "server" / "localtwins"
FRONT = CHECKOUT / "server" / "twinfront_server"
PROGRAM = CHECKOUT / "server" / "twinfront_program"
CLIENT = CHECKOUT / "clients" / "python" / "twinfront"
SERVER = (PROGRAM, LOCALTWINS, FRONT)
CATALOGUES = (LOCALTWINS / "errors", FRONT / "errors.py", FRONT / "upstream" / "sdk" / "validate_only.py")
"""Functions there make one error each, and are told by what it means."""

TESTS = CHECKOUT / "tests"
CLIENT_PROGRAMS = tuple((CHECKOUT / "clients" / "python").glob("*_runner.py"))
EVERYWHERE = (PROGRAM, LOCALTWINS, FRONT, CLIENT, *CLIENT_PROGRAMS)

CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]+")
SUPPRESSION = re.compile(r"# (?:ruff: )?noqa\b(?!: [A-Z0-9, ]+  \(.+\)$)|# type: ignore\b(?!\[[a-z, -]+\]  # .+$)")
RELATIVE = re.compile(r"(?:What|Where|Whether|Which|Who|Whose)\b")
VERB = re.compile(r"[A-Z][a-z]*s\b")
INLINE_RAISES = re.compile(r"(?:^|[.;,:] )[Rr]aises `?[A-Z_]\w+")

HANGING = re.compile(r"test_(?:and|but|it|its|nor|or|she|he|so|such|that|their|them|then|these|they|those)_")
FEWEST_WORDS = 3

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def sources(*places: Path) -> Iterator[Path]:
    """Gives the Python files in some places, but for what protoc writes."""
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    assert files
    return (file for file in files if CLIENT / "v1" not in file.parents)


def at(file: Path, line: int, what: str) -> str:
    return f"{file.relative_to(CHECKOUT) if file.is_relative_to(CHECKOUT) else file.name}:{line} {what}"


def docstrings(file: Path) -> Iterator[tuple[Documented, str]]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)) is not None:
            yield node, text


def name(node: Documented) -> str:
    return "the module" if isinstance(node, ast.Module) else node.name


def line(node: Documented) -> int:
    return 1 if isinstance(node, ast.Module) else node.lineno


def constants_that_are_not_final(*places: Path) -> list[str]:
    return [
        at(file, node.lineno, target.id)
        for file in sources(*places)
        for node in ast.parse(file.read_bytes()).body
        for target in _plain_targets(node)
        if CONSTANT.fullmatch(target.id)
    ]


def _plain_targets(node: ast.stmt) -> list[ast.Name]:
    """Gives the names that a statement assigns to without calling them final."""
    if isinstance(node, ast.Assign):
        return [target for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and not ast.unparse(node.annotation).startswith(("Final", "TypeAlias")):
        return [node.target] if isinstance(node.target, ast.Name) else []
    return []


def suppressions_without_a_reason(*places: Path) -> list[str]:
    found = []
    for file in sources(*places):
        with file.open("rb") as stream:
            comments = [token for token in tokenize.tokenize(stream.readline) if token.type == tokenize.COMMENT]
        found += [at(file, token.start[0], token.string) for token in comments if SUPPRESSION.search(token.string)]
    return found


def docstrings_of_init(*places: Path) -> list[str]:
    return [
        at(file, line(node), text)
        for file in sources(*places)
        for node, text in docstrings(file)
        if name(node) == "__init__"
    ]


def docstrings_that_begin_with_a_relative(*places: Path) -> list[str]:
    return [
        at(file, line(node), text.partition("\n")[0])
        for file in sources(*places)
        for node, text in docstrings(file)
        if RELATIVE.match(text)
    ]


def values_told_by_a_relative(*places: Path) -> list[str]:
    return [
        at(file, node.lineno, told.partition("\n")[0])
        for file in sources(*places)
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(told := node.value.value, str) and RELATIVE.match(told)
    ]


def functions_told_without_a_verb(*places: Path) -> list[str]:
    return [
        at(file, line(node), text.partition("\n")[0])
        for file in sources(*places)
        for node, text in docstrings(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not VERB.match(text)
        if not any("property" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]


def errors_told_outside_a_section(*places: Path) -> list[str]:
    return [
        at(file, line(node), told)
        for file in sources(*places)
        for node, text in docstrings(file)
        for told in text.splitlines()
        if INLINE_RAISES.search(told)
    ]


def records_that_are_tuples(*places: Path) -> list[str]:
    return [
        at(file, node.lineno, node.name)
        for file in sources(*places)
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ClassDef)
        if any(ast.unparse(base).rpartition(".")[2] == "NamedTuple" for base in node.bases)
    ]


def names_of_tests_that_say_nothing_alone(*places: Path) -> list[str]:
    return [
        at(file, node.lineno, node.name)
        for file in sources(*places)
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
        if HANGING.match(node.name) or node.name.count("_") < FEWEST_WORDS
    ]


def test_constants_are_final():
    assert constants_that_are_not_final(*EVERYWHERE) == []


def test_records_are_dataclasses():
    assert records_that_are_tuples(*EVERYWHERE) == []


def test_what_is_suppressed_has_a_reason_beside_it():
    assert suppressions_without_a_reason(*EVERYWHERE) == []


def test_what_a_constructor_takes_is_told_by_its_class():
    assert docstrings_of_init(*EVERYWHERE) == []


def test_errors_are_told_in_a_section_of_the_docstring():
    assert errors_told_outside_a_section(*EVERYWHERE) == []


def test_docstrings_begin_with_what_is_done():
    assert docstrings_that_begin_with_a_relative(*EVERYWHERE) == []


def test_values_are_told_by_what_they_are():
    assert values_told_by_a_relative(*SERVER) == []


def test_functions_are_told_by_what_they_do():
    catalogues = {str(file.relative_to(CHECKOUT)) for file in sources(*CATALOGUES)}
    found = functions_told_without_a_verb(*SERVER)
    assert [told for told in found if told.partition(":")[0] not in catalogues] == []


def test_the_name_of_a_test_can_be_read_without_its_neighbours():
    assert names_of_tests_that_say_nothing_alone(TESTS) == []


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("LIMIT = 1\n", constants_that_are_not_final),
        ("_LIMIT: int = 1\n", constants_that_are_not_final),
        ("class Place(NamedTuple):\n    line: int\n", records_that_are_tuples),
        ("class Place(typing.NamedTuple):\n    line: int\n", records_that_are_tuples),
        ("import os  # noqa\n", suppressions_without_a_reason),
        ("import os  # noqa: F401\n", suppressions_without_a_reason),
        ("import os  # noqa: F401 - for others\n", suppressions_without_a_reason),
        ("x = f()  # type: ignore[misc]\n", suppressions_without_a_reason),
        ('class A:\n    def __init__(self):\n        """Takes nothing."""\n', docstrings_of_init),
        ('"""What is done."""\n', docstrings_that_begin_with_a_relative),
        ('def f():\n    """Whether it is done."""\n', docstrings_that_begin_with_a_relative),
        ('LIMIT: Final = 1\n"""What is the most."""\n', values_told_by_a_relative),
        ('def f():\n    """The link of the chain."""\n', functions_told_without_a_verb),
        ("def test_nor_is_another(): ...\n", names_of_tests_that_say_nothing_alone),
        ("class TestIt:\n    async def test_it_is_kept(): ...\n", names_of_tests_that_say_nothing_alone),
        ("def test_limits(): ...\n", names_of_tests_that_say_nothing_alone),
        ("def test_over_http(): ...\n", names_of_tests_that_say_nothing_alone),
        ('def f():\n    """Does it. Raises OSError."""\n', errors_told_outside_a_section),
        ('def f():\n    """Does it.\n\n    Raises `OSError`, now and then.\n    """\n', errors_told_outside_a_section),
    ],
)
def test_each_habit_that_is_broken_is_found(tmp_path: Path, code: str, check: Callable[[Path], list[str]]):
    (tmp_path / "broken.py").write_text(code)
    assert len(check(tmp_path)) == 1


def test_a_source_that_keeps_to_the_dialect_passes(tmp_path: Path):
    (tmp_path / "kept.py").write_text(
        '"""Reads things."""\n'
        "import os  # noqa: F401  (for others)\n"
        "LIMIT: Final = 1\n"
        "@dataclass(frozen=True, slots=True)\nclass Place:\n    line: int\n"
        "LIMITS: Final[int] = f()  # type: ignore[misc]  # untyped\n"
        'def f():\n    """Reads a thing.\n\n    Raises:\n        OSError: it is not there.\n    """\n'
        "def test_an_item_is_kept(): ...\n"
    )
    checks = (
        constants_that_are_not_final,
        records_that_are_tuples,
        suppressions_without_a_reason,
        docstrings_of_init,
        docstrings_that_begin_with_a_relative,
        errors_told_outside_a_section,
        names_of_tests_that_say_nothing_alone,
        values_told_by_a_relative,
        functions_told_without_a_verb,
    )
    assert [check(tmp_path) for check in checks] == [[]] * len(checks)
