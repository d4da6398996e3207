"""What tests fetch and build, kept beside the user's other caches for the runs of every checkout."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

CACHES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "twinfront-tests"


@contextmanager
def filling(name: str) -> Iterator[Path]:
    """The folder of that name, for one process at a time to look whether all is there, and else to put it there."""
    CACHES.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHES / f"{name}.lock"):
        folder = CACHES / name
        folder.mkdir(exist_ok=True)
        yield folder


def npm_package(package: str, version: str) -> Path:
    """The folder whose node_modules has the package; skips where there is no node, or npm cannot install it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"node and npm are not installed, so there is no {package}")
    with filling(f"{package.rpartition('/')[2]}-{version}") as folder:
        installed = folder / "installed"
        if not installed.exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder)]
            if subprocess.run([*command, f"{package}@{version}"], capture_output=True, check=False).returncode != 0:
                pytest.skip(f"npm could not install {package}")
            installed.touch()
    return folder
