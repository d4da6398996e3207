"""Generates the Python stubs `twinfront.v1` from the protos, and within them those of `ENVOY`.

Runs as the build hook of every install (plain, editable, wheel), and by hand (`make proto`).
Everything in the output folder is made here and is never edited.
"""

from __future__ import annotations

import shutil
import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilderConfig

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
OUTPUT = ROOT / "clients" / "python" / "twinfront" / "v1"
SERVICE_CONFIG = "twinfront_service_config.json"
ENVOY_PROTOS = PROTOS / "third_party" / "envoy" / "service" / "auth" / "v3"
ENVOY = "twinfront/v1/envoy"
"""The package of the stubs of `ENVOY_PROTOS`.

Their own would be `envoy`, which other packages have: that of the program, and `xds-protos`, which has the stubs of all
of Envoy's protos and writes over files of Google's and of OpenTelemetry's.
"""


class StubsBuildHook(BuildHookInterface[WheelBuilderConfig]):
    """Hatchling's custom build hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (hatchling's signature)
        """Generates before the wheel, editable or not, is put together."""
        generate()


def generate() -> None:
    """Writes the stubs, their type stubs and the service config; raises SystemExit if protoc refuses the protos.

    They are made in a folder beside and then moved into place: what imports them meanwhile does not find half of them.
    """
    with TemporaryDirectory(dir=OUTPUT.parent, prefix=".v1-") as folder:
        made = Path(folder) / "twinfront" / "v1"
        made.mkdir(parents=True)
        _generate_into(made)
        if OUTPUT.exists():
            OUTPUT.rename(Path(folder) / "before")
        made.rename(OUTPUT)


def _generate_into(folder: Path) -> None:
    package = folder.parent.parent
    sources = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "twinfront").rglob("*.proto"))
    services = [source for source in sources if source.endswith("_service.proto")]
    of_envoy = sorted(f"{ENVOY}/{path.name}" for path in ENVOY_PROTOS.glob("*.proto"))
    sources += of_envoy
    services += of_envoy
    (package / ENVOY).mkdir()
    _protoc(
        f"--python_out={package}",
        f"--plugin=protoc-gen-mypy={_plugin('protoc-gen-mypy')}",
        f"--mypy_out=quiet:{package}",
        *sources,
    )
    _protoc(
        f"--grpc_python_out={package}",
        f"--plugin=protoc-gen-mypy_grpc={_plugin('protoc-gen-mypy_grpc')}",
        f"--mypy_grpc_out=quiet:{package}",
        *services,
    )
    shutil.copyfile(PROTOS / "twinfront" / "v1" / SERVICE_CONFIG, folder / SERVICE_CONFIG)
    (folder / "__init__.py").write_text('"""The contract `twinfront.v1`, generated from protos/."""\n')
    (package / ENVOY / "__init__.py").write_text('"""The protos of Envoy by which a policy system is asked."""\n')


def _protoc(*arguments: str) -> None:
    """Runs protoc over the protos and what they import."""
    from grpc_tools import protoc  # noqa: PLC0415  (a build requirement, not there when the hook is only looked at)

    well_known_types = files("grpc_tools") / "_proto"
    places = (
        PROTOS,
        PROTOS / "third_party",
        f"{ENVOY}={ENVOY_PROTOS}",
        well_known_types,
    )
    paths = [f"--proto_path={path}" for path in places]
    code = protoc.main(["protoc", *paths, *arguments])
    if code != 0:
        raise SystemExit(code)


def _plugin(name: str) -> str:
    """The path of a protoc plugin: beside the interpreter, or on the PATH (isolated builds)."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        message = f"{name} is not installed; it comes with mypy-protobuf"
        raise SystemExit(message)
    return found


if __name__ == "__main__":
    generate()
