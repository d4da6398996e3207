"""The clients, one in each language: building them, and running scenarios with them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .scenarios import CHECKOUT, Line

_BUILD_SECONDS = 900
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
        script = self.folder / "build"
        if script.exists():
            self._run([str(script)], _BUILD_SECONDS)

    def run(self, arguments: Sequence[str]) -> list[Line]:
        """Runs its runner and gives the lines that it prints."""
        ended = self._run([str(self.folder / "run-scenarios"), *arguments], _RUN_SECONDS)
        return [json.loads(line) for line in ended.splitlines()]

    def _run(self, command: Sequence[str], seconds: float) -> str:
        environment: Mapping[str, str] = os.environ | {"PYTHON": sys.executable}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
        if ended.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{ended.stdout[-8000:]}\n{ended.stderr[-8000:]}")
        return ended.stdout


LANGUAGES = [
    Language("python", ()),
    Language("go", ("go",)),
    Language("typescript", ("node", "npm")),
]
