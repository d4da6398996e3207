"""Which tests run a line is told from an earlier run with coverage, for the source as it is now."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import CoverageData

from . import covering
from .covering import Covering

SOURCE = "server/package/source.py"
BEFORE = "LIMIT = 1\n\n\ndef first():\n    return 1\n\n\ndef second():\n    return 2\n"
RAN = {
    "tests/test_it.py::test_one[a|b]|setup": [1],
    "tests/test_it.py::test_one[a|b]|run": [4, 5],
    "tests/test_it.py::test_both (call)": [5, 9],
    "tests/test_it.py::test_that_failed|run": [5, 9],
    "": [1, 4, 8],
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with one source, and what a run with coverage has left of it."""
    monkeypatch.setattr(covering, "CHECKOUT", tmp_path)
    monkeypatch.setattr(covering, "_RUNS", tmp_path / "runs")
    _forget()
    run = tmp_path / "runs" / "000"
    for folder in (tmp_path, run):
        (folder / SOURCE).parent.mkdir(parents=True)
        (folder / SOURCE).write_text(BEFORE)
    data = CoverageData(str(run / "coverage.db"))
    for context, lines in RAN.items():
        data.set_context(context)
        data.add_lines({SOURCE: lines})
    data.write()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").touch()
    (run / "files.json").write_text(json.dumps({"tests/test_it.py": "digest"}))
    seconds = {"tests/test_it.py::test_one[a|b]": 1.0, "tests/test_it.py::test_both": 0.5}
    (run / "seconds.json").write_text(json.dumps(seconds))
    yield tmp_path
    _forget()


def _forget() -> None:
    for cached in (covering.files_of_tests, covering._parsed, covering._definitions, covering._uses, covering._imports):
        cached.cache_clear()


ONE, BOTH = "tests/test_it.py::test_one[a|b]", "tests/test_it.py::test_both"


@pytest.mark.usefixtures("checkout")
def test_the_tests_of_a_line_are_those_that_ran_it_and_passed():
    found = Covering()
    assert found.tests_of(SOURCE, 5) == {ONE, BOTH}
    assert found.tests_of(SOURCE, 9) == {BOTH}
    assert [found.is_run(SOURCE, line) for line in (1, 5, 8, 9)] == [True, True, False, True]


def test_a_line_keeps_its_tests_where_it_is_moved_and_a_new_one_has_those_of_what_was_there(checkout: Path):
    (checkout / SOURCE).write_text(
        BEFORE.replace("LIMIT", "# New.\nLIMIT").replace("return 2", "two = 2\n    return two")
    )
    found = Covering()
    assert found.tests_of(SOURCE, 6) == {ONE, BOTH}
    assert found.tests_of(SOURCE, 10) == found.tests_of(SOURCE, 11) == {BOTH}


@pytest.mark.usefixtures("checkout")
def test_a_test_that_is_fast_and_runs_little_is_tried_first():
    found = Covering()
    assert (found.breadth(ONE), found.breadth(BOTH)) == (1.0 * 3, 0.5 * 2)


def test_a_source_that_is_new_is_run_by_no_test_that_is_known(checkout: Path):
    (checkout / "server/package/new.py").write_text("def first():\n    return 1\n")
    assert not Covering().is_run("server/package/new.py", 2)
