"""The example programs: run as users run them, or imported."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[2] / "clients" / "python" / "examples"


def run(name: str, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TWINFRONT_")} | variables
    return subprocess.run(
        [sys.executable, "-W", "error", FOLDER / name, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def load(program: str | Path) -> ModuleType:
    """Imports a program, one of the examples or any other, without running it."""
    path = FOLDER / program
    spec = importlib.util.spec_from_file_location(f"program_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
