"""Builds of clients are kept by what they are made of: what nobody changed is built once."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests import caches

from .kept_builds import runnable
from .languages import Language

SHELL = Language("shell", ("git --version",), outputs=("bin",))

BUILD = """#!/bin/sh
set -e
cd "$(dirname "$0")"
echo built >> ../../builds
grep -q wrong source && exit 1
mkdir -p bin && cp source bin/
"""


class Checkout:
    """A checkout with one client, written in shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = replace(SHELL, checkout=folder)
        self.source = self.write("clients/shell/source", "one")
        self.write("clients/shell/build", BUILD)
        self.write("clients/shell/run-example", "#!/bin/sh\ncat $(dirname $0)/bin/source\n")
        for script in ("run-scenarios", "run-load"):
            self.write(f"clients/shell/{script}", "#!/bin/sh\n")
        self.write(".gitignore", "bin/\n/builds\n")
        self.proto = self.write("protos/one.proto", "")
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def builds(self) -> int:
        return len((self.folder / "builds").read_text().splitlines())


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setattr(caches, "CACHES", tmp_path / "caches")
    return Checkout(tmp_path / "checkout")


def test_a_client_that_nobody_changed_is_built_once(checkout: Checkout):
    assert [runnable(checkout.client).run_example("any", "") for _ in range(2)] == ["one", "one"]
    assert checkout.builds() == 1


def test_another_checkout_with_the_same_files_needs_no_build(checkout: Checkout, tmp_path: Path):
    runnable(checkout.client)
    checkout.folder.rename(tmp_path / "gone")
    other = Checkout(tmp_path / "other")
    assert runnable(other.client).run_example("any", "") == "one"
    assert not (other.folder / "builds").exists()


@pytest.mark.parametrize("changed", ["clients/shell/source", "clients/shell/new", "protos/one.proto"])
def test_a_file_that_changed_or_is_new_has_the_client_built_again(checkout: Checkout, changed: str):
    runnable(checkout.client)
    checkout.write(changed, "two")
    runnable(checkout.client)
    assert checkout.builds() == 2


def test_a_run_goes_on_with_its_own_build_when_a_file_changes(checkout: Checkout):
    first = runnable(checkout.client)
    checkout.source.write_text("two")
    assert [each.run_example("any", "") for each in (runnable(checkout.client), first)] == ["two", "one"]


def test_what_a_build_makes_is_not_what_it_is_made_of(checkout: Checkout):
    runnable(checkout.client)
    checkout.write("clients/shell/bin/more", "")
    runnable(checkout.client)
    assert checkout.builds() == 1


def test_other_tools_have_the_client_built_again(checkout: Checkout):
    runnable(checkout.client)
    runnable(replace(checkout.client, tools=("git --version", "sh -c true", "echo 2")))
    assert checkout.builds() == 2


def test_a_build_that_failed_is_not_kept(checkout: Checkout):
    checkout.source.write_text("wrong")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="shell/build failed"):
            runnable(checkout.client)
    assert checkout.builds() == 2


def test_a_client_that_changes_while_it_is_built_is_not_kept(checkout: Checkout):
    checkout.write("clients/shell/build", BUILD + "echo two > source\n")
    with pytest.raises(RuntimeError, match="changed while it was built"):
        runnable(checkout.client)


def test_continuous_integration_builds_whatever_is_kept(checkout: Checkout):
    runnable(checkout.client)
    assert runnable(checkout.client, anew=True).run_example("any", "") == "one"
    assert checkout.builds() == 2
