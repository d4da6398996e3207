"""An image built and run without a container engine: the Dockerfile's instructions, carried out in Debian's root.

Each stage is an overlay over the root that debootstrap makes; RUN, COPY, ENV, USER, WORKDIR and ENTRYPOINT do
what they do in an engine. What is not the image's business (a name server, authorities, an index of packages) is this
machine's.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from dockerfile_parse import DockerfileParser
from tests.caches import filling
from tests.tools import checked, require

CHECKOUT: Final = Path(__file__).resolve().parents[2]
DOCKERFILE: Final = CHECKOUT / "deploy/docker/Dockerfile"

_SUITE: Final = "trixie"
_OF_THIS_MACHINE: Final = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "PIP_CERT", "PIP_INDEX_URL", "SSL_CERT_FILE")
_FIRST_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(slots=True)
class Stage:
    """One stage, built.

    Attributes:
        root: its file system.
        variables: of ENV.
        user: of USER, `uid:gid`.
        folder: of WORKDIR.
        entrypoint: the words of ENTRYPOINT.
    """

    root: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": _FIRST_PATH, "HOME": "/"})
    user: str = "0:0"
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)

    def command(self, *words: str) -> list[str]:
        """The command line that runs words in the stage as its user, in its folder."""
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        script = f"cd {shlex.quote(self.folder)} && exec {shlex.join(words)}"
        return [
            "env", "-i", *variables, "chroot", "--userspec", self.user, str(self.root), "sh", "-c", script,
        ]  # fmt: skip

    def inside(self, path: str) -> Path:
        """The place of a path of the image on this machine."""
        return self.root / (Path(self.folder) / path).relative_to("/")


def debian() -> Path:
    """A root of Debian with its Python, as the base image has one; kept for the next run."""
    require(["debootstrap"])
    with filling(f"debian-{_SUITE}") as folder:
        root = folder / "root"
        if not (folder / "made").exists():
            shutil.rmtree(root, ignore_errors=True)
            words = ["debootstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", _SUITE]
            made = subprocess.run(
                ["nice", *words, str(root)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
            if made.returncode:
                pytest.skip(f"debootstrap could not make a root: {made.stdout[-500:]}")
            (folder / "made").touch()
    return root


@contextmanager
def built(base: Path, work: Path) -> Iterator[Stage]:
    """Builds all stages of the Dockerfile and gives the last."""
    stages: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    stage: Stage | None = None
    with ExitStack() as mounted:
        for step in DockerfileParser(path=str(DOCKERFILE)).structure:
            words = step["value"]
            match step["instruction"], stage:
                case "COMMENT", _:
                    pass
                case "ARG", _:
                    name, _, value = words.partition("=")
                    arguments[name] = value
                case "FROM", _:
                    assert words.split()[0] == "${BASE}", "the rehearsal has one base"
                    name = words.rpartition(" AS ")[2] if " AS " in words else "final"
                    stage = stages[name] = Stage(mounted.enter_context(_overlay(base, work / name)))
                case instruction, Stage():
                    _carry_out(instruction, words, stage, stages)
                case instruction, _:
                    pytest.fail(f"{instruction} before FROM")
        assert stage is not None
        yield stage


def _carry_out(instruction: str, words: str, stage: Stage, stages: Mapping[str, Stage]) -> None:
    match instruction:
        case "RUN":
            lent = [f"{name}={os.environ[name]}" for name in _OF_THIS_MACHINE if name in os.environ]
            checked(_run(stage.command("env", *lent, "sh", "-c", words)))
        case "COPY":
            _copy(shlex.split(words), stage, stages)
        case "ENV":
            for pair in shlex.split(words):
                name, _, value = pair.partition("=")
                stage.variables[name] = value.replace(f"${name}", stage.variables.get(name, ""))
        case "USER":
            stage.user = words
        case "WORKDIR":
            stage.folder = words
            stage.inside(".").mkdir(parents=True, exist_ok=True)
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(words)
        case "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "CMD":
            pass
        case _:
            pytest.fail(f"the rehearsal does not know {instruction}")


def _copy(words: Sequence[str], stage: Stage, stages: Mapping[str, Stage]) -> None:
    options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
    *sources, target = [word for word in words if not word.startswith("--")]
    place = stage.inside(target)
    for source in sources:
        found = stages[options["from"]].inside(source) if "from" in options else CHECKOUT / source
        if target.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)
        elif found.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "node_modules", "target")
            shutil.copytree(
                found, place, symlinks=True, dirs_exist_ok=True, ignore=None if "from" in options else ignored
            )
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)
    if "chown" in options:
        user, _, group = options["chown"].partition(":")
        for path in (place, *place.rglob("*")):
            os.lchown(path, int(user), int(group))


@contextmanager
def _overlay(base: Path, folder: Path) -> Iterator[Path]:
    """Mounts a root of its own over the base, with what an engine gives every container."""
    upper, work, root = folder / "upper", folder / "work", folder / "root"
    for made in (upper, work, root):
        made.mkdir(parents=True)
    mounted = _run(
        ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={base},upperdir={upper},workdir={work}", str(root)]
    )
    if mounted.returncode:
        pytest.skip(f"this machine mounts no overlays: {mounted.stderr.strip()}")
    try:
        for file in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
            if Path(file).exists():
                shutil.copy(file, root / file.lstrip("/"))
        for device in ("null", "urandom", "random", "zero"):
            if not (root / "dev" / device).exists():
                _run(["cp", "-a", f"/dev/{device}", str(root / "dev")])
        yield root
    finally:
        checked(_run(["umount", "--lazy", str(root)]))


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
