"""What `pip install twinfront` gives: the sdist builds, its wheel is whole, and the base install is light."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

LIGHT = {"googleapis-common-protos", "grpcio", "grpcio-status", "protobuf", "typing-extensions", "twinfront"}


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--outdir", folder, CHECKOUT)
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def base_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the wheel and nothing that was not asked for."""
    folder = tmp_path_factory.mktemp("venv")
    assert run(sys.executable, "-m", "venv", folder).returncode == 0
    binaries = folder / "bin"
    installed = run(binaries / "pip", "install", "--quiet", wheel)
    assert installed.returncode == 0, installed.stderr
    return binaries


def test_the_wheel_has_stubs_types_and_the_service_config(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "twinfront/py.typed",
        "twinfront/v1/digital_twin_service_pb2.py",
        "twinfront/v1/digital_twin_service_pb2.pyi",
        "twinfront/v1/digital_twin_service_pb2_grpc.py",
        "twinfront/v1/digital_twin_service_pb2_grpc.pyi",
        "twinfront/v1/twinfront_service_config.json",
        "twinfront_server/cli.py",
        "twinfront_server/sample/building.ndjson",
        "localtwins/cli.py",
    } <= names


def test_the_wheel_claims_no_foreign_top_level_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "localtwins",
        "twinfront",
        "twinfront_program",
        "twinfront_server",
    }


def test_the_base_install_is_the_light_client(base_install: Path) -> None:
    listed = run(base_install / "pip", "list", "--format", "freeze").stdout.splitlines()
    names = {line.split("==")[0].split(" @ ")[0].lower().replace("_", "-") for line in listed}
    assert names - {"pip", "setuptools"} <= LIGHT


def test_the_client_imports_on_the_base_install(base_install: Path, tmp_path: Path) -> None:
    program = (
        "import twinfront; from twinfront.v1 import digital_twin_service_pb2_grpc; print(twinfront.TwinfrontClient)"
    )
    result = run(base_install / "python", "-W", "error", "-c", program, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", ["twinfront", "localtwins"])
def test_serving_without_the_server_extra_says_what_to_install(
    base_install: Path, tmp_path: Path, command: str
) -> None:
    result = run(base_install / command, "serve", cwd=tmp_path)
    assert result.returncode != 0
    assert "twinfront[server]" in result.stderr
    assert "Traceback" not in result.stderr
