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


def load(name: str) -> ModuleType:
    """Imports a program without running it."""
    spec = importlib.util.spec_from_file_location(f"examples.{name.removesuffix('.py')}", FOLDER / name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
