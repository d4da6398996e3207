"""What is delivered is the same twice, and carries no licence that MIT cannot stand beside."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deploy.supply_chain.licences import allowed, licences

CHECKOUT = Path(__file__).resolve().parents[2]


def built(folder: Path) -> dict[str, bytes]:
    """Builds wheel and sdist of a copy of the checkout in a folder of its own."""
    tracked = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if name.startswith(("clients/python/", "protos/", "server/")) or "/" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CHECKOUT / name, folder / name)
    ended = subprocess.run(
        [sys.executable, "-m", "build", "--installer", "uv", "--outdir", folder / "dist", folder],
        env=os.environ | {"SOURCE_DATE_EPOCH": "1735689600"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {path.name: path.read_bytes() for path in (folder / "dist").iterdir()}


@pytest.mark.timeout(600)
def test_two_builds_of_one_source_are_the_same_byte_by_byte(tmp_path: Path) -> None:
    first = built(tmp_path / "first")
    second = built(tmp_path / "somewhere" / "else")
    assert len(first) == 2
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


@pytest.mark.parametrize(
    "expression", ["MIT", "Apache-2.0 OR GPL-3.0-only", "(MIT AND BSD-3-Clause)", "GPL-2.0-only OR MIT AND ISC"]
)
def test_licences_that_can_be_met_are_allowed(expression: str) -> None:
    assert allowed(expression)


@pytest.mark.parametrize("expression", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "", "none is declared", "Proprietary"])
def test_licences_that_cannot_be_met_are_refused(expression: str) -> None:
    assert not allowed(expression)


@pytest.mark.parametrize(
    ("declared", "licence"),
    [
        ([{"license": {"id": "MIT"}}], "MIT"),
        ([{"expression": "Apache-2.0 OR MIT"}], "Apache-2.0 OR MIT"),
        ([{"license": {"name": "License :: OSI Approved :: BSD License"}}], "BSD-3-Clause"),
        ([{"license": {"name": "whatever"}}, {"license": {"id": "ISC"}}], "ISC"),
        ([{"license": {"name": "whatever"}}], "whatever"),
        ([], "none is declared"),
    ],
)
def test_a_licence_is_read_in_whichever_form_it_is_declared(declared: list[Any], licence: str) -> None:
    component = {"name": "x", "version": "1", "licenses": declared}
    assert licences([component]) == {"x 1": licence}
