"""Knows which tests run which line of the server.

That is found out once, by running the tests with coverage (ten minutes or so), and kept under build/. Later runs go on
with it: lines are followed through changes of a source, and test files that are new or changed run again alone.
`build/mutants/coverage/` has one folder for each such run: its database, the sources as they were, the files it ran.
"""

import ast
import difflib
import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from .tree import BUILD, CHECKOUT, COVERAGE_SETTINGS, copy_checkout, environment

_OF_DECLARATIONS: Final = (
    "tests/docs/test_generated_parts.py",
    "tests/docs/test_figures.py",
    "tests/docs/test_localtwins_page.py",
    "tests/unit/test_exports.py",
)
"""The tests of what is declared and in no function: settings, metrics, reasons, limits, names of packages."""

TESTS: Final = (
    *("tests/unit", "tests/fault", "tests/rpc", "tests/localtwins", "tests/cli", "tests/contract/test_*.py"),
    *(file for file in _OF_DECLARATIONS if file.startswith("tests/docs/")),
)
"""The tests that run against mutants: those of the server, without the clients in other languages."""

_RUNS: Final = BUILD / "coverage"
_TREE: Final = BUILD / "covered"
_CONTEXT: Final = re.compile(r"(?P<test>.+)(?:\|(?:setup|run|teardown)| \((?:setup|call|teardown)\))", re.DOTALL)


class Covering:
    """Tells the tests of a line, from all runs with coverage that are kept."""

    def __init__(self) -> None:
        self._runs = [_Run(folder) for folder in sorted(_RUNS.glob("*"), reverse=True)]
        self.seconds: dict[str, float] = {}
        self._lines: dict[str, int] = {}
        for run in reversed(self._runs):
            self.seconds |= run.seconds
            self._lines |= run.lines

    def breadth(self, test: str) -> float:
        """Gives how slow a test is and how much it runs, in one figure: what has little is tried first."""
        return self.seconds[test] * self._lines.get(test, 0)

    def is_run(self, source: str, line: int) -> bool:
        """Tells whether any test runs a line itself; one in a function may run at import alone."""
        return bool(self._run_by(source, line))

    def tests_of(self, source: str, line: int) -> set[str]:
        """Gives the tests that pass through a line of a source.

        A line that runs when its file is imported, be it in a function that is called there, is tested where something
        else, a test too, names what it is part of, or names what is made of that in turn. What nobody names stands for
        its file.

        Args:
            source: the path in the checkout.
            line: its number as the checkout is now.
        """
        found: set[str] = set()
        seen: set[tuple[str, int]] = set()
        waiting = [(source, line)]
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            tests = self._run_by(*place) if _is_in_function(*place) else set()
            found |= tests
            if not tests:
                waiting += _uses_of(*place)
                found |= self._naming(*place)
        found = found or set().union(*(self._run_by(source, number + 1) for number in range(_length(source))))
        return found if _is_in_function(source, line) else found | self._of_files(set(_OF_DECLARATIONS))

    def _naming(self, source: str, line: int) -> set[str]:
        """Gives the tests of the files that import a source and name what a line is part of the definition of."""
        names = {name for name, lines in _definitions(source) if line in lines}
        module = ".".join(Path(source).with_suffix("").parts[1:])
        return self._of_files(
            {
                file
                for file in files_of_tests()
                if module in _imports(file) and names & {name for name, _ in _uses(file)}
            }
        )

    def _of_files(self, files: set[str]) -> set[str]:
        return {test for test in self.seconds if test.partition("::")[0] in files}

    def _run_by(self, source: str, line: int) -> set[str]:
        found: set[str] = set()
        superseded: set[str] = set()
        for run in self._runs:
            tests = run.tests_of(source, line)
            found |= {test for test in tests if test.partition("::")[0] not in superseded}
            superseded |= run.files.keys()
        return {test for test in found if test in self.seconds and (CHECKOUT / test.partition("::")[0]).exists()}


def collect(workers: int, *, anew: bool) -> None:
    """Runs the tests with coverage: those of files that are new or changed, all of them to begin anew.

    A source that is new since is known by what is run then, and beyond that by who names what it has.
    """
    if anew:
        shutil.rmtree(_RUNS, ignore_errors=True)
    known: dict[str, str] = {}
    for folder in sorted(_RUNS.glob("*")):
        known |= json.loads((folder / "files.json").read_text())
    files = {file: digest for file, digest in files_of_tests().items() if known.get(file) != digest}
    if not files:
        return
    print(f"collecting which lines are run by {len(files)} files of tests", flush=True)
    copy_checkout(_TREE)
    folder = _RUNS / f"{len(list(_RUNS.glob('*'))):03}"
    unfinished = BUILD / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    shutil.copytree(_TREE / "server", unfinished / "server", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.durations"),
            *("-n", str(workers), "--dist", "loadfile", "--timeout", "300"),
            *("--cov", "--cov-context=test", f"--cov-config={COVERAGE_SETTINGS}", "--cov-report="),
            *files,
        ],
        cwd=_TREE,
        env=environment(_TREE)
        | {"COVERAGE_FILE": str(unfinished / "coverage.db"), "TWINFRONT_DURATIONS": str(unfinished / "seconds.json")},
        check=False,  # a test that fails now shows nothing of a mutant, and is left out
    )
    (unfinished / "files.json").write_text(json.dumps(files))
    _RUNS.mkdir(exist_ok=True)
    unfinished.rename(folder)


@cache
def files_of_tests() -> dict[str, str]:
    """Gives the files of the tests, each with a digest of what is in it."""
    patterns = [place if place.endswith(".py") else f"{place}/**/test_*.py" for place in TESTS]
    files = [file for pattern in patterns for file in sorted(CHECKOUT.glob(pattern))]
    return {str(file.relative_to(CHECKOUT)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class _Run:
    """One run with coverage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, str] = json.loads((folder / "files.json").read_text())
        self.seconds: dict[str, float] = json.loads((folder / "seconds.json").read_text())
        self.lines: dict[str, int] = defaultdict(int)
        """How many lines of the server each test runs."""
        self._by_source: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for source, context, bits in self._rows():
            # pytest-cov has `tests/…::test_it|run`; a process that a test started has what pytest tells it of the test
            # that runs, `tests/…::test_it (call)`.
            if found := _CONTEXT.fullmatch(context):
                self.lines[found["test"]] += bits.bit_count()
                self._by_source[source].append((found["test"], bits))
        self._lines_before = cache(self._compared)

    def _rows(self) -> Iterator[tuple[str, str, int]]:
        """Reads what ran in each source in each context: of a number, the bits that are set are numbers of lines."""
        query = """
            SELECT path, context, numbits
            FROM line_bits JOIN context ON context_id = context.id JOIN file ON file_id = file.id
        """
        with closing(sqlite3.connect(self._folder / "coverage.db")) as database:
            for source, context, bits in database.execute(query):
                yield source, context, int.from_bytes(bits, "little")

    def tests_of(self, source: str, line: int) -> set[str]:
        before = sum(1 << number for number in self._lines_before(source).get(line, ()))
        return {test for test, lines in self._by_source.get(source, ()) if lines & before}

    def _compared(self, source: str) -> Mapping[int, range]:
        """Gives the lines of a source as they were then by those in the checkout now."""
        path = self._folder / source
        if not path.exists():
            return {}
        before: dict[int, range] = {}
        old, new = (text.read_text().splitlines() for text in (path, CHECKOUT / source))
        for tag, start, end, new_start, new_end in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
            for offset in range(new_end - new_start):
                # A line that was written anew is run by whatever ran those in its place.
                first, last = (start + offset, start + offset + 1) if tag == "equal" else (start, end)
                before[new_start + offset + 1] = range(first + 1, last + 1)
        return before


def _is_in_function(source: str, line: int) -> bool:
    return any(_inside(node, line) for node in ast.walk(_parsed(source)))


def _uses_of(source: str, line: int) -> list[tuple[str, int]]:
    """Gives the lines that name what a line is part of the definition of."""
    names = {name for name, lines in _definitions(source) if line in lines}
    private = all(name.startswith("_") for name in names)
    files = [source] if private else [str(file.relative_to(CHECKOUT)) for file in (CHECKOUT / "server").rglob("*.py")]
    return [(file, number) for file in files for name, number in _uses(file) if name in names] if names else []


@cache
def _definitions(source: str) -> list[tuple[str, range]]:
    """Gives the names that a source defines, with the lines of each definition."""
    found = []
    for node in ast.walk(_parsed(source)):
        match node:
            case ast.Assign(targets=targets):
                names = [getattr(target, "id", "") for target in targets]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names = [name]
            case _:
                continue
        found += [(name, range(node.lineno, (node.end_lineno or node.lineno) + 1)) for name in names if name]
    return found


@cache
def _imports(source: str) -> set[str]:
    """Gives all that a source imports, modules and what may be one."""
    found = set()
    for node in ast.walk(_parsed(source)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {module, *(f"{module}.{alias.name}" for alias in names)}
            case _:
                pass
    return found


@cache
def _uses(source: str) -> list[tuple[str, int]]:
    """Gives the names that are read in a source, with their lines."""
    found = []
    for node in ast.walk(_parsed(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
                found.append((name, node.lineno))
            case _:
                pass
    return found


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(_text(source))


def _length(source: str) -> int:
    return len(_text(source).splitlines())


def _text(source: str) -> str:
    return (CHECKOUT / source).read_text()


def _inside(node: ast.AST, line: int) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    first = node.body[0].lineno if isinstance(node.body, list) else node.body.lineno
    return first <= line <= (node.end_lineno or 0)
