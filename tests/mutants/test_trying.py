"""Mutants are killed by tests that fail for the fault, and by none that fails for another reason.

So they are where the tests import what they need anew, and where they are prepared.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from .mutating import mutants_of
from .progress import Place, Progress
from .trying import Run, Verdict, failing_unbroken, try_mutant
from .worker import Ending, Task

CHECKOUT = Path(__file__).resolve().parents[2]

SOURCE = "def answer():\n    return 42\n"
BROKEN = "def answer():\n    return 43\n"

TESTS = """
import gc
import time
from pathlib import Path

import pytest

from source import answer


def test_one_that_looks_elsewhere():
    pass


class Loud:
    def __del__(self):
        raise ValueError


def test_one_that_leaves_noise_behind():
    gc.disable()
    noise = [Loud()]
    noise.append(noise)


def test_one_that_fails_at_the_first_time_only():
    ran = Path("ran")
    if not ran.exists():
        ran.touch()
        assert False


def test_one_that_waits_for_the_answer():
    while answer() != 42:
        time.sleep(0.01)


def test_one_that_knows_the_answer():
    assert answer() == 42


def test_one_that_always_fails():
    assert False
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "source.py").write_text(SOURCE)
    (folder / "test_source.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error::pytest.PytestUnraisableExceptionWarning\n")
    return folder


@pytest.fixture(scope="module", params=["worker", "prepared"])
def worker(request: pytest.FixtureRequest, checkout: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = ["test_source.py"] if request.param == "prepared" else []
    with subprocess.Popen(
        [sys.executable, "-m", f"tests.mutants.{request.param}", str(checkout / f"{request.param}.log"), *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (CHECKOUT, checkout)))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


@pytest.fixture
def run(worker: subprocess.Popen[str]) -> Run:
    def run(task: Task) -> Ending:
        assert worker.stdin is not None
        assert worker.stdout is not None
        # Seconds are for machines that have nothing else to do.
        limits = {test: 1.0 if "waits" in test else limit for test, limit in task.tests.items()}
        print(json.dumps(asdict(task) | {"tests": limits}), file=worker.stdin, flush=True)
        return Ending(**json.loads(worker.stdout.readline()))

    return run


def named(*names: str) -> dict[str, float]:
    return {f"test_source.py::test_one_that_{name}": 0.1 for name in names}


def test_a_test_that_fails_with_the_fault_kills_it(run: Run):
    verdict = try_mutant(run, "source.py", BROKEN, named("looks_elsewhere", "knows_the_answer"))
    assert verdict == Verdict("killed", list(named("knows_the_answer")), [])


def test_a_fault_that_no_test_looks_at_survives(run: Run):
    assert try_mutant(run, "source.py", BROKEN, named("looks_elsewhere")) == Verdict("survived", [], [])


def test_a_test_that_fails_once_kills_nothing_and_those_behind_it_run(run: Run, checkout: Path):
    unsteady = named("fails_at_the_first_time_only")
    (checkout / "ran").unlink(missing_ok=True)
    assert try_mutant(run, "source.py", BROKEN, unsteady | named("looks_elsewhere")) == Verdict(
        "survived", [], list(unsteady)
    )
    (checkout / "ran").unlink()
    assert try_mutant(run, "source.py", BROKEN, unsteady | named("knows_the_answer")) == Verdict(
        "killed", list(named("knows_the_answer")), list(unsteady)
    )


def test_what_comes_up_behind_the_last_test_kills_nothing(run: Run):
    assert try_mutant(run, "source.py", BROKEN, named("leaves_noise_behind")) == Verdict("survived", [], [])
    assert try_mutant(run, "source.py", BROKEN, named("leaves_noise_behind", "knows_the_answer")).outcome == "killed"


def test_a_test_that_does_not_end_is_told_from_one_that_fails(run: Run):
    waiting = named("waits_for_the_answer")
    assert try_mutant(run, "source.py", BROKEN, waiting) == Verdict("timed out", list(waiting), [])


@pytest.mark.parametrize("worker", ["worker"], indirect=True)
def test_a_source_that_cannot_be_loaded_is_killed_by_no_test_in_particular(run: Run):
    assert try_mutant(run, "source.py", "answer = None + 1\n", named("knows_the_answer")) == Verdict("killed", [], [])


@pytest.mark.parametrize("worker", ["prepared"], indirect=True)
def test_nothing_shows_a_fault_at_import_where_all_is_imported_already(run: Run):
    broken = SOURCE + "raise ValueError\n"
    assert try_mutant(run, "source.py", broken, named("knows_the_answer")).outcome == "survived"


def test_tests_that_fail_without_a_fault_are_found(run: Run):
    assert failing_unbroken(run, named("knows_the_answer", "always_fails")) == list(named("always_fails"))


def test_a_run_goes_on_where_one_of_the_same_sample_broke_off(tmp_path: Path):
    places = [Place("source.py", SOURCE, mutant) for mutant in mutants_of(SOURCE)]
    assert len(places) > 1
    verdict = Verdict("killed", ["tests/test_source.py::test_it"], [])
    Progress(tmp_path / "run.jsonl", places).note(places[0], verdict)
    again = Progress(tmp_path / "run.jsonl", places)
    assert again.verdicts == {places[0]: verdict}
    assert again.left() == places[1:]
