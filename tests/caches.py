"""What tests fetch and build, kept beside the user's other caches for the runs of every checkout."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

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


def left_out(reason: str) -> NoReturn:
    """Skips a test; fails it where every client has to be tried, as TWINFRONT_EVERY_CLIENT=1 says."""
    if os.environ.get("TWINFRONT_EVERY_CLIENT") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def needs(*programs: str) -> None:
    """Leaves a test out unless these programs are installed."""
    if missing := [program for program in programs if shutil.which(program) is None]:
        left_out(f"not installed: {', '.join(missing)}")


def npm_package(package: str, version: str, **beside: str) -> Path:
    """The folder whose node_modules has the package, and others beside it by their names in the registry.

    Leaves the test out where there is no node, or npm cannot install them.
    """
    needs("node", "npm")
    packages = {package: version} | beside
    names = [f"{name.rpartition('/')[2]}-{packages[name]}" for name in packages]
    with filling("-".join(names)) as folder:
        installed = folder / "installed"
        if not installed.exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder)]
            wanted = [f"{name}@{version}" for name, version in packages.items()]
            if subprocess.run([*command, *wanted], capture_output=True, check=False).returncode != 0:
                left_out(f"npm could not install {' '.join(wanted)}")
            installed.touch()
    return folder


def maven_class_path(pom: Path) -> str:
    """The class path of the dependencies in a pom.xml; leaves the test out where Maven is not or cannot get them."""
    needs("java", "mvn")
    with filling(f"maven-{hashlib.sha256(pom.read_bytes()).hexdigest()[:16]}") as folder:
        kept = folder / "class-path"
        if not (kept.exists() and all(map(os.path.exists, kept.read_text().split(os.pathsep)))):
            command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:build-classpath", f"-Dmdep.outputFile={kept}"]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                left_out(f"Maven could not get what {pom} needs")
    return kept.read_text()


def source_distribution(package: str, version: str) -> Path:
    """The unpacked source distribution of a Python package; leaves the test out where pip cannot get it."""
    with filling(f"{package}-{version}-source") as folder:
        unpacked = folder / f"{package.replace('-', '_')}-{version}"
        if not unpacked.exists():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            command += ["--dest", str(folder), f"{package}=={version}"]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                left_out(f"pip could not download the source of {package} {version}")
            with TemporaryDirectory(dir=folder) as new, tarfile.open(f"{unpacked}.tar.gz") as archive:
                archive.extractall(new, filter="data")
                (Path(new) / unpacked.name).rename(unpacked)
    return unpacked
