"""Edits of the protos are held against the committed baseline, by the same command as `make check`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).resolve().parents[3] / "protos"
BUF = Path(sys.executable).with_name("buf")


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    return shutil.copytree(PROTOS, tmp_path / "protos")


def breaking(protos: Path) -> str:
    """Gives what buf finds incompatible with the baseline."""
    image = subprocess.run([BUF, "build", "-o", "-"], cwd=protos, capture_output=True, check=True).stdout
    command: list[str | Path] = [BUF, "breaking", "-", "--against", "breaking_baseline.binpb"]
    ended = subprocess.run(command, cwd=protos, input=image, capture_output=True, check=False)
    assert ended.returncode in (0, 100), ended.stderr
    return ended.stdout.decode()


def edit(protos: Path, file: str, old: str, new: str) -> None:
    path = protos / "twinfront" / "v1" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_protos_are_compatible_with_the_baseline(protos: Path):
    assert breaking(protos) == ""


def test_a_new_field_is_compatible(protos: Path):
    edit(protos, "value.proto", "repeated Value values = 1;", "repeated Value values = 1;\n  // New.\n  bool new = 2;")
    assert breaking(protos) == ""


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        pytest.param("digital_twin.proto", "string etag = 2", "string tag = 2", "etag", id="a-renamed-field"),
        pytest.param("digital_twin.proto", "string etag = 2", "string etag = 20", "etag", id="a-renumbered-field"),
        pytest.param("digital_twin.proto", "string etag = 2", "bytes etag = 2", "etag", id="another-type"),
        pytest.param("value.proto", "repeated Value values = 1;", "Value values = 1;", "values", id="no-longer-a-list"),
        pytest.param("value.proto", "repeated Value values = 1;", "", "values", id="a-removed-field"),
        pytest.param("json_patch.proto", "OP_REMOVE", "OP_DELETE", "OP_REMOVE", id="a-renamed-enum-value"),
        pytest.param("query_service.proto", "rpc QueryTwins(", "rpc Query(", "QueryTwins", id="a-renamed-rpc"),
        pytest.param(
            "query_service.proto",
            "returns (stream Stream",
            "returns (Stream",
            "StreamQueryTwins",
            id="no-longer-a-stream",
        ),
        pytest.param("value.proto", "io.twinfront.v1", "io.twinfront.v2", "java_package", id="another-java-package"),
    ],
)
def test_an_incompatible_edit_is_refused_and_named(protos: Path, file: str, old: str, new: str, said: str):
    edit(protos, file, old, new)
    assert said in breaking(protos)
