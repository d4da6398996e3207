"""The image: its Dockerfile is sound, and what its instructions make serves as a user without rights."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.deploy.image import CHECKOUT, DOCKERFILE, Stage, built, debian
from tests.tools import checked

REQUIREMENTS = CHECKOUT / "deploy/docker/requirements.txt"


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    checked(subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False))


def test_every_package_of_the_image_is_pinned_by_version_and_hash() -> None:
    lines = [line for line in REQUIREMENTS.read_text().replace("\\\n", " ").splitlines() if line[:1].isalnum()]
    assert lines
    assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == []


def test_the_packages_of_the_image_name_no_registry() -> None:
    assert "://" not in REQUIREMENTS.read_text()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The last stage, with what a read-only root has that can be written: /tmp and the volume."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("only root can build the stages of an image in Debian's root")
    if os.environ.get("TWINFRONT_IMAGE") != "1":
        pytest.skip("make image-rehearsal builds and runs the image")
    with built(debian(), tmp_path_factory.mktemp("stages")) as stage:
        yield stage


@pytest.mark.timeout(900)
def test_the_image_serves_as_a_user_without_rights_and_stops_when_told(image: Stage) -> None:
    words = ["serve", "--listen", "127.0.0.1:50951", "--metrics-listen", "none", "--sample"]
    serving = subprocess.Popen(
        image.command(*image.entrypoint, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for _ in range(100):
            asked = subprocess.run(
                image.command(*image.entrypoint, "healthcheck", "--address", "127.0.0.1:50951"),
                capture_output=True,
                text=True,
                check=False,
            )
            if asked.returncode == 0 or serving.poll() is not None:
                break
        assert asked.returncode == 0, asked.stdout + asked.stderr
        assert Path(f"/proc/{serving.pid}").stat().st_uid == 10001
    finally:
        serving.terminate()
        printed, _ = serving.communicate(timeout=60)
    assert serving.returncode == 0, printed
    assert printed.splitlines()[0].startswith("{"), "the log is one object a line"


@pytest.mark.timeout(900)
def test_the_image_refuses_to_serve_other_machines_in_the_clear(image: Stage) -> None:
    ended = subprocess.run(image.command(*image.entrypoint, "serve"), capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "--insecure" in ended.stderr


@pytest.mark.timeout(900)
def test_the_image_has_neither_pip_nor_compilers(image: Stage) -> None:
    for name in ("opt/twinfront/bin/pip", "build", "wheels", "usr/bin/gcc"):
        assert not (image.root / name).exists()


@pytest.mark.timeout(900)
def test_all_files_of_the_image_belong_to_root_but_its_volume(image: Stage) -> None:
    owned = {path for path in (image.root / "opt").rglob("*") if path.lstat().st_uid != 0}
    assert owned == set()
    assert (image.root / "var/lib/twinfront").stat().st_uid == 10001
