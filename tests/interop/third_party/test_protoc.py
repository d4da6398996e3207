"""The protoc of Debian, years older than the one that the stubs of the server come from, compiles the protos."""

from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from tests.tools import require, run_debians

from .cpp_client import PROTOC_PACKAGES, PROTOS

# The installation is no part of the test that happens to come first.
pytestmark = pytest.mark.timeout(func_only=True)

THIRD_PARTY = PROTOS / "third_party"
FILES = sorted(
    [str(path.relative_to(PROTOS)) for path in PROTOS.glob("twinfront/**/*.proto")]
    + [str(path.relative_to(THIRD_PARTY)) for path in THIRD_PARTY.rglob("*.proto")]
)


@pytest.fixture(scope="session", autouse=True)
def _protoc() -> None:
    require(PROTOC_PACKAGES)


def compile_to(output: str) -> str:
    """Compiles all protos; gives what protoc has to say about them."""
    ended = run_debians("protoc", f"--proto_path={PROTOS}", f"--proto_path={THIRD_PARTY}", output, *FILES)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_cpp_is_generated_without_a_warning(tmp_path: Path) -> None:
    assert compile_to(f"--cpp_out={tmp_path}") == ""
    made = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.pb.cc")]
    assert sorted(name.replace(".pb.cc", ".proto") for name in made) == FILES


def test_java_is_generated_without_a_warning(tmp_path: Path) -> None:
    """It warns of accessors of one name, which it numbers: those of a list `outgoing` beside an `outgoing_count`."""
    assert compile_to(f"--java_out={tmp_path}") == ""
    assert (tmp_path / "io" / "twinfront" / "v1" / "DigitalTwin.java").exists()


def test_descriptors_are_generated_without_a_warning(tmp_path: Path) -> None:
    made = tmp_path / "descriptors.binpb"
    assert compile_to(f"--descriptor_set_out={made}") == ""
    assert sorted(file.name for file in FileDescriptorSet.FromString(made.read_bytes()).file) == FILES
