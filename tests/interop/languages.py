"""The clients, one in each language: building them, and running scenarios with them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.caches import CACHES

from .scenarios import CHECKOUT, Line

CARGO_TARGET = CACHES / "rust"
"""The folder that Rust builds in: what its dependencies compile to serves the runs of all checkouts."""

_BUILD_SECONDS = 1500
_RUN_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Language:
    """A language with a client.

    Attributes:
        name: its name, and that of the client's folder.
        tools: what its toolchain says its versions with, a command for each program.
        outputs: what a build leaves and the client runs with, in `built_in`.
        built_in: the folder with the outputs, if it is not the client's.
        outputs_in: the folder, within the client's, where the client's scripts look for the outputs.
        kept_in: the folder with the outputs of an earlier build that is to be run; None for that of the checkout.
        checkout: where its sources are.
    """

    name: str
    tools: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    built_in: Path | None = None
    outputs_in: str = "."
    kept_in: Path | None = None
    checkout: Path = CHECKOUT

    @property
    def sources(self) -> Path:
        """The folder of its client."""
        return self.checkout / "clients" / self.name

    @property
    def _run_in(self) -> Path:
        """The folder in which its scripts find the outputs of a build: of one that is kept, or of the checkout."""
        return self.kept_in or self.sources

    @property
    def _target(self) -> dict[str, str]:
        """A kept build has what Cargo made beside the scripts."""
        return {"CARGO_TARGET_DIR": ""} if self.kept_in else {}

    @property
    def prefix(self) -> str:
        """The beginning of its ids; letters only, as it is part of ids of models."""
        return f"p{self.name}q"

    def missing_tools(self) -> list[str]:
        """Those of its tools that are not on the PATH."""
        programs = [tool.split()[0] for tool in self.tools]
        return [program for program in programs if shutil.which(program) is None]

    def build(self) -> None:
        """Builds and tests the client; RuntimeError with what the build said if it fails."""
        self._run("build", self.sources, seconds=_BUILD_SECONDS, under=("nice",))

    def run_scenarios(self, arguments: Sequence[str]) -> list[Line]:
        """Runs its runner and gives the lines that it prints."""
        printed = self._run_output("run-scenarios", *arguments)
        return [json.loads(line) for line in printed.splitlines()]

    def run_example(self, name: str, address: str) -> str:
        """Runs an example against a server and gives what it prints."""
        return self._run_output("run-example", name, TWINFRONT_ADDRESS=address)

    def start_load(self, arguments: Sequence[str], stderr: Path) -> subprocess.Popen[str]:
        """Starts its callers, who go on until their input ends."""
        with stderr.open("wb") as err:
            return subprocess.Popen(
                [str(self._run_in / "run-load"), *arguments],
                env=_environment(**self._target),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )

    def generate_in(self, folder: Path) -> None:
        """Generates the stubs in a copy of the client's folder; RuntimeError if it fails."""
        self._run("generate", folder, seconds=_BUILD_SECONDS)

    def _run_output(self, script: str, *arguments: str, **variables: str) -> str:
        """Runs a script on the outputs of a build."""
        return self._run(script, self._run_in, *arguments, seconds=_RUN_SECONDS, **self._target, **variables)

    def _run(
        self, script: str, folder: Path, *arguments: str, seconds: float, under: Sequence[str] = (), **variables: str
    ) -> str:
        """Runs a script of the client's and gives what it prints; RuntimeError if it fails."""
        ended = subprocess.run(
            [*under, str(folder / script), *arguments],
            env=_environment(**variables),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(f"{self.name}/{script} failed:\n{ended.stdout[-8000:]}\n{ended.stderr[-8000:]}")
        return ended.stdout


def _environment(**variables: str) -> dict[str, str]:
    return os.environ | {"PYTHON": sys.executable, "CARGO_TARGET_DIR": str(CARGO_TARGET)} | variables


def left_out(language: Language) -> str:
    """Tells why a client is not tried, which tools are not there; empty if all are.

    Where every client has to be tried, as in continuous integration, TWINFRONT_EVERY_CLIENT=1 says so.
    """
    missing = language.missing_tools()
    if missing and os.environ.get("TWINFRONT_EVERY_CLIENT") != "1":
        return f"the {language.name} client is left out: {', '.join(missing)} not installed"
    return ""


PYTHON = Language("python", ())
LANGUAGES = [
    PYTHON,
    Language("go", ("go version",), outputs=("bin",)),
    Language("typescript", ("node --version", "npm --version"), outputs=("dist", "node_modules", "package.json")),
    Language(
        "java",
        ("java --version", "mvn --version"),
        outputs=(
            "client/target/classes",
            *(f"{module}/target/{made}" for module in ("runner", "examples") for made in ("classes", "classpath.txt")),
        ),
    ),
    Language(
        "rust",
        ("cargo --version", "rustc --version"),
        outputs=(
            "debug/runner",
            "debug/load",
            "debug/examples/conflict",
            "debug/examples/ten_lines",
            "debug/examples/tour",
        ),
        built_in=CARGO_TARGET,
        outputs_in="target",
    ),
]
