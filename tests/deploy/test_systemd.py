"""The systemd unit: sound, well hardened, and its environment is one that the server takes."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.caches import needs

from twinfront_server.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy/systemd"
UNIT = FOLDER / "twinfront.service"

MOST_EXPOSED = 15
"""Tenths: how exposed the service may be on the scale of `systemd-analyze security`, on which 100 is as it comes."""


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    needs("systemd-analyze")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_systemd_finds_nothing_in_the_unit_but_that_it_is_not_installed() -> None:
    ended = analyze("verify", UNIT)
    complaints = [line for line in (ended.stdout + ended.stderr).splitlines() if UNIT.name in line]
    assert [line for line in complaints if "/opt/twinfront/bin/twinfront is not executable" not in line] == []


def test_the_service_is_shut_in() -> None:
    ended = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", UNIT)
    assert ended.returncode == 0, ended.stdout


def test_the_server_takes_the_variables_of_unit_and_example(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = re.findall(
        r"(TWINFRONT_\w+)=(\S+)", "\n".join(re.findall(r"^Environment=(.*)", UNIT.read_text(), re.MULTILINE))
    )
    example = re.findall(r"^(TWINFRONT_\w+)=(.*)", (FOLDER / "environment.example").read_text(), re.MULTILINE)
    assert unit
    assert example
    for name, value in [*unit, *example]:
        assert name in {setting.variable for setting in Settings.describe()}
        monkeypatch.setenv(name, value)
    assert Settings.load({}).greeting is False


def test_the_service_has_the_time_of_a_drain() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)s$", UNIT.read_text(), re.MULTILINE)
    assert found
    assert int(found[1]) > Settings().drain_delay + Settings().drain_grace
