"""Other people's programs: built from their authors' sources, or with Debian's packages, and kept for the next run.

A toolchain that is not there, and cannot be installed, skips the tests that need it; a build that fails fails them.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.caches import filling

_BUILD_SECONDS = 1800
"""A first build fetches and compiles whatever a tool depends on, on whatever machine this is."""


@dataclass(frozen=True, slots=True)
class GoTool:
    """A program that `go install` builds."""

    name: str
    package: str
    version: str

    def path(self) -> Path:
        """Where it is; built on first use."""
        with filling(f"{self.name}-{self.version}") as folder:
            path = folder / self.name
            if not path.exists():
                self._build(path)
        return path

    def _build(self, path: Path) -> None:
        if shutil.which("go") is None:
            pytest.skip(f"go is not installed, so {self.name} cannot be built")
        with TemporaryDirectory(dir=path.parent) as folder:
            # Without cgo it needs neither a C compiler nor libraries of this machine.
            variables = {"GOBIN": folder, "CGO_ENABLED": "0"}
            checked(_run(["nice", "go", "install", f"{self.package}@{self.version}"], variables))
            Path(folder, self.name).replace(path)


GRPCURL = GoTool("grpcurl", "github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.9.4")
GRPC_HEALTH_PROBE = GoTool("grpc-health-probe", "github.com/grpc-ecosystem/grpc-health-probe", "v0.4.62")
GHZ = GoTool("ghz", "github.com/bojand/ghz/cmd/ghz", "v0.93.0")


def require(packages: Sequence[str]) -> None:
    """Sees to it that Debian's packages are installed."""
    if shutil.which("dpkg-query") is None:
        pytest.skip(f"this is no Debian, which has the packages {' '.join(packages)}")
    with filling("debian"):
        _install(_not_installed(packages))


def _install(missing: Sequence[str]) -> None:
    if not missing:
        return
    if os.geteuid() != 0:
        pytest.skip(f"not installed: {' '.join(missing)}")
    options = ("-qq", "--option=DPkg::Lock::Timeout=300")
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        ended = run_debians("apt-get", *options, *words)
        if ended.returncode:
            pytest.skip(f"cannot be installed: {' '.join(missing)}: {ended.stderr.strip()[-400:]}")


def run_debians(*command: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of Debian's, even if the PATH has another of that name."""
    path = os.pathsep.join((os.defpath, os.environ["PATH"]))
    return _run(command, {"PATH": path, "DEBIAN_FRONTEND": "noninteractive"})


def checked(ended: subprocess.CompletedProcess[str]) -> None:
    """Fails the test with what the command printed, if that failed."""
    if ended.returncode:
        command = " ".join(ended.args)
        pytest.fail(f"{command} failed:\n{ended.stdout[-8000:]}\n{ended.stderr[-8000:]}", pytrace=False)


def _not_installed(packages: Sequence[str]) -> list[str]:
    asked = run_debians("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages)
    lines = set(asked.stdout.splitlines())
    return [package for package in packages if f"{package} installed" not in lines]


def _run(command: Sequence[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
