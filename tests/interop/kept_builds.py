"""Builds of clients, kept by what they were made of, so that what nobody changed is built and tested once.

A build is kept with the other caches of the tests, for every checkout that has the same files. Continuous integration,
which says TWINFRONT_EVERY_CLIENT=1, builds and tests all of them whatever is kept.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.caches import filling

from .languages import Language

_SCRIPTS = ("run-scenarios", "run-example", "run-load")
_UNUSED_SECONDS = 2 * 24 * 3600


def runnable(language: Language, *, anew: bool = False) -> Language:
    """Gives a client that can be run: a build that is kept, or one made and tested now.

    Args:
        language: the client.
        anew: whether it is built even if a build of the same files is kept.

    Raises:
        RuntimeError: with what the build said if it failed.
    """
    # Only Git tells sources from what builds make.
    if not language.outputs or not (language.checkout / ".git").exists():
        language.build()
        return language
    with filling(f"client-{language.name}") as folder:
        content = _content(language)
        kept = folder / content
        if anew or not kept.exists():
            language.build()
            if _content(language) != content:
                raise RuntimeError(f"the files of the {language.name} client changed while it was built")
            _keep(language, kept)
        os.utime(kept)
        for old in folder.iterdir():
            if old.stat().st_mtime < time.time() - _UNUSED_SECONDS:
                shutil.rmtree(old)
    return replace(language, kept_in=kept)


def _content(language: Language) -> str:
    """Gives a name to all that a build is made of: the client's files, the protos and the tools."""
    digest = sha256(version("grpcio-tools").encode())
    for tool in language.tools:
        digest.update(subprocess.run(tool.split(), capture_output=True, check=True).stdout)
    for file in _files(language.checkout, language.sources, language.checkout / "protos"):
        # The length keeps the end of one file apart from the start of the next.
        digest.update(f"{file.relative_to(language.checkout)} {file.stat().st_mode:o} {file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _files(checkout: Path, *folders: Path) -> Iterator[Path]:
    """Gives the files in folders of a checkout that Git knows or would take in, which leaves out what builds make."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *map(str, folders)]
    listed = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
    for name in sorted(set(listed.split("\0"))):
        file = checkout / name
        if file.is_file():
            yield file


def _keep(language: Language, kept: Path) -> None:
    """Puts aside the outputs of a build, and the scripts that run them, in one step."""
    with TemporaryDirectory(dir=kept.parent) as scratch:
        new = Path(scratch, "new")
        for script in _SCRIPTS:
            _copy(language.sources / script, new / script)
        for output in language.outputs:
            _copy((language.built_in or language.sources) / output, new / language.outputs_in / output)
        if kept.exists():  # other runs may be using it, and find the same in its place
            kept.rename(Path(scratch, "old"))
        new.rename(kept)


def _copy(one: Path, other: Path) -> None:
    other.parent.mkdir(parents=True, exist_ok=True)
    if one.is_dir():
        shutil.copytree(one, other, symlinks=True)
    else:
        shutil.copy2(one, other)
