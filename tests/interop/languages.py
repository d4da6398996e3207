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

_BUILD_SECONDS = 1500
_RUN_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Language:
    """A language with a client."""

    name: str
    tools: tuple[str, ...]
    """The programs that its toolchain consists of."""

    @property
    def folder(self) -> Path:
        """Where its client is."""
        return CHECKOUT / "clients" / self.name

    @property
    def prefix(self) -> str:
        """What its ids begin with; letters only, as it is part of ids of models."""
        return f"p{self.name}q"

    def missing_tools(self) -> list[str]:
        """Those of its tools that are not on the PATH."""
        return [tool for tool in self.tools if shutil.which(tool) is None]

    def build(self) -> None:
        """Builds and tests the client; RuntimeError with what the build said if it fails."""
        self.run_script("build", seconds=_BUILD_SECONDS, under=("nice",))

    def run_scenarios(self, arguments: Sequence[str]) -> list[Line]:
        """Runs its runner and gives the lines that it prints."""
        printed = self.run_script("run-scenarios", *arguments, seconds=_RUN_SECONDS)
        return [json.loads(line) for line in printed.splitlines()]

    def run_example(self, name: str, address: str) -> str:
        """Runs an example against a server and gives what it prints."""
        return self.run_script("run-example", name, seconds=_RUN_SECONDS, TWINFRONT_ADDRESS=address)

    def generate_in(self, folder: Path) -> None:
        """Generates the stubs in a copy of the client's folder; RuntimeError if it fails."""
        self.run_script("generate", seconds=_BUILD_SECONDS, folder=folder)

    def run_script(
        self,
        script: str,
        *arguments: str,
        seconds: float,
        under: Sequence[str] = (),
        folder: Path | None = None,
        **variables: str,
    ) -> str:
        """Runs a script of the client's and gives what it prints; RuntimeError if it fails."""
        # What Rust's dependencies compile to serves the runs of all checkouts.
        own = {"PYTHON": sys.executable, "CARGO_TARGET_DIR": str(CACHES / "rust")}
        ended = subprocess.run(
            [*under, str((folder or self.folder) / script), *arguments],
            env=os.environ | own | variables,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(f"{self.name}/{script} failed:\n{ended.stdout[-8000:]}\n{ended.stderr[-8000:]}")
        return ended.stdout


def left_out(language: Language) -> str:
    """Why a client is not tried: which tools are not there; empty if all are.

    Where every client has to be tried, as in continuous integration, TWINFRONT_EVERY_CLIENT=1 says so.
    """
    missing = language.missing_tools()
    if missing and os.environ.get("TWINFRONT_EVERY_CLIENT") != "1":
        return f"the {language.name} client is left out: {', '.join(missing)} not installed"
    return ""


LANGUAGES = [
    Language("python", ()),
    Language("go", ("go",)),
    Language("typescript", ("node", "npm")),
    Language("java", ("java", "mvn")),
    Language("rust", ("cargo",)),
]
