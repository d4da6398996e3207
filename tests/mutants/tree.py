"""Copies of the checkout under build/, in which sources may be broken while somebody works on the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = CHECKOUT / "build" / "mutants"
COVERAGE_SETTINGS: Final = Path(__file__).parent / "coverage.ini"
_STUBS: Final = Path("clients/python/twinfront/v1")


def copy_checkout(folder: Path) -> None:
    """Makes a folder a copy of the checkout as it is now: of all that git would take, and the generated stubs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    shutil.rmtree(folder, ignore_errors=True)
    stubs = [str(file.relative_to(CHECKOUT)) for file in (CHECKOUT / _STUBS).rglob("*") if file.is_file()]
    for name in [*filter(None, listed.stdout.split("\0")), *stubs]:
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    # Python takes a compiled file by time and size, which a mutant may share with its original; by content it cannot,
    # and what it compiles in the place of these goes by content too.
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "server", "clients/python"],
        cwd=folder,
        check=True,
    )


def environment(folder: Path) -> dict[str, str]:
    """Gives the environment in which the programs and packages of a copy are found before the checkout's."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (folder / "clients/python", folder / "server", folder))),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TWINFRONT_SHARED": os.environ.get("TWINFRONT_SHARED", str(CHECKOUT.parent / "shared")),
    }
