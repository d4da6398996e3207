"""The protos with their comments."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"

_SERVICE_CONFIG = PROTOS / "twinfront" / "v1" / "twinfront_service_config.json"


@cache
def described_protos() -> Sequence[FileDescriptorProto]:
    """The project's protos with their comments, in alphabetical order."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "twinfront").rglob("*.proto"))
    includes = (PROTOS, PROTOS / "third_party", files("grpc_tools") / "_proto")
    with tempfile.NamedTemporaryFile() as output:
        arguments = [*(f"--proto_path={path}" for path in includes), "--include_source_info"]
        if protoc.main(["protoc", *arguments, f"--descriptor_set_out={output.name}", *sources]) != 0:
            raise SystemExit("protoc refuses the protos")
        return FileDescriptorSet.FromString(Path(output.name).read_bytes()).file


def comments(file: FileDescriptorProto) -> Mapping[tuple[int, ...], str]:
    """The comment before each element, on one line, by the element's path."""
    return {
        tuple(location.path): " ".join(location.leading_comments.split()) for location in file.source_code_info.location
    }


def method_configs() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Reads what the service config says about each method, by full name of the service and name."""
    configs = json.loads(_SERVICE_CONFIG.read_text())["methodConfig"]
    return {(name["service"], name["method"]): config for config in configs for name in config["name"]}
