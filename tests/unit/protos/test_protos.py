"""The protos as other languages' builds meet them."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodOptions,
    ServiceDescriptorProto,
)

from twinfront.v1 import error_reason_pb2

PROTOS = Path(__file__).resolve().parents[3] / "protos"
SOURCES = sorted((PROTOS / "twinfront").rglob("*.proto"))


def _protoc(*arguments: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    """Compiles with nothing on the path but this folder, its third_party, and protoc's own well-known types."""
    target = tmp_path_factory.mktemp("protoc") / "twinfront.binpb"
    _protoc(
        f"--proto_path={PROTOS}",
        f"--proto_path={PROTOS / 'third_party'}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--descriptor_set_out={target}",
        "--include_source_info",
        *(str(source.relative_to(PROTOS)) for source in SOURCES),
    )
    return list(FileDescriptorSet.FromString(target.read_bytes()).file)


def test_plain_protoc_compiles_the_protos_without_a_network(compiled: list[FileDescriptorProto]):
    assert sorted(file.name for file in compiled) == [str(source.relative_to(PROTOS)) for source in SOURCES]


def test_the_installed_stubs_are_made_of_the_protos(compiled: list[FileDescriptorProto]):
    source = next(file for file in compiled if file.name.endswith("error_reason.proto"))
    installed = FileDescriptorProto()
    error_reason_pb2.DESCRIPTOR.CopyToProto(installed)
    assert [value.name for value in installed.enum_type[0].value] == [value.name for value in source.enum_type[0].value]
    assert installed.package == source.package


def test_nothing_that_is_imported_comes_from_elsewhere(compiled: list[FileDescriptorProto]):
    imported = {dependency for file in compiled for dependency in file.dependency}
    own = {path for path in imported if (PROTOS / path).exists() or (PROTOS / "third_party" / path).exists()}
    assert all(path.startswith("google/protobuf/") for path in imported - own)


def test_every_element_is_commented(compiled: list[FileDescriptorProto]):
    bare = [f"{file.name} {name}" for file in compiled for name in _without_comment(file)]
    assert bare == []


def test_every_file_has_the_options_of_all_languages(compiled: list[FileDescriptorProto]):
    for file in compiled:
        options = file.options
        assert (options.java_package, options.java_multiple_files) == ("io.twinfront.v1", True), file.name
        assert options.go_package.endswith("/twinfront/v1;twinfrontv1"), file.name
        assert options.csharp_namespace == "Twinfront.V1", file.name


WRITES = ("Cancel", "Create", "Decommission", "Delete", "Import", "Merge", "Publish", "Update", "BatchWrite")


def test_reads_and_only_reads_are_declared_free_of_side_effects(compiled: list[FileDescriptorProto]):
    methods = [method for file in compiled for service in file.service for method in service.method]
    reads = [method for method in methods if method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS]
    assert [method.name for method in reads] == [
        method.name for method in methods if not method.name.startswith(WRITES)
    ]


def _without_comment(file: FileDescriptorProto) -> list[str]:
    commented = {tuple(location.path) for location in file.source_code_info.location if location.leading_comments}
    elements: dict[tuple[int, ...], str] = {}
    for index, message in enumerate(file.message_type):
        _add_message(message, (FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, index), elements)
    for index, enum in enumerate(file.enum_type):
        _add_enum(enum, (FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, index), elements)
    for index, service in enumerate(file.service):
        path = (FileDescriptorProto.SERVICE_FIELD_NUMBER, index)
        elements[path] = service.name
        for place, method in enumerate(service.method):
            elements[*path, ServiceDescriptorProto.METHOD_FIELD_NUMBER, place] = method.name
    return [name for path, name in elements.items() if path not in commented]


def _add_message(message: DescriptorProto, path: tuple[int, ...], elements: dict[tuple[int, ...], str]) -> None:
    if message.options.map_entry:
        return
    elements[path] = message.name
    for index, field in enumerate(message.field):
        elements[*path, DescriptorProto.FIELD_FIELD_NUMBER, index] = f"{message.name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        _add_message(nested, (*path, DescriptorProto.NESTED_TYPE_FIELD_NUMBER, index), elements)
    for index, enum in enumerate(message.enum_type):
        _add_enum(enum, (*path, DescriptorProto.ENUM_TYPE_FIELD_NUMBER, index), elements)


def _add_enum(enum: EnumDescriptorProto, path: tuple[int, ...], elements: dict[tuple[int, ...], str]) -> None:
    elements[path] = enum.name
    for index, value in enumerate(enum.value):
        elements[*path, EnumDescriptorProto.VALUE_FIELD_NUMBER, index] = value.name
