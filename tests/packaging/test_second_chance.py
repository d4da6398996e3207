"""A test that passes when it runs again is named, so that nobody takes it for a sound one."""

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = Path(__file__).parent.parent / "second_chance.py"

FLAKY = """
import pathlib

def test_sound():
    pass

def test_flaky():
    marker = pathlib.Path(__file__).with_name("ran")
    ran = marker.exists()
    marker.touch()
    assert ran

def test_broken():
    assert False
"""


def run(folder: Path, *words: str, **variables: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", *words, str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TWINFRONT_"))}
    ended = subprocess.run(
        command, cwd=folder, env=environment | variables, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.stdout


def test_only_what_failed_before_and_passed_now_is_named_before_the_closing_line(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PLUGIN.read_text())
    (tmp_path / "test_it.py").write_text(FLAKY)
    assert "second chance" not in run(tmp_path)
    again = run(tmp_path, "--last-failed", TWINFRONT_SECOND_CHANCE="1").splitlines()
    [heading] = [number for number, line in enumerate(again) if "1 passed at the second chance only" in line]
    assert again[heading + 1] == "test_it.py::test_flaky"
    assert again[-1].startswith("1 failed, 1 passed")
    assert not any("test_sound" in line for line in again)
