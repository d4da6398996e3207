"""What may import what, read from the imports themselves: lazy ones and those for type checking count as well."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FRONT = CHECKOUT / "server" / "twinfront_server"
LOCALTWINS = CHECKOUT / "server" / "localtwins"
PROGRAM = CHECKOUT / "server" / "twinfront_program"
CLIENT = CHECKOUT / "clients" / "python" / "twinfront"


@dataclass(frozen=True)
class Import:
    """One import of a module."""

    file: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(CHECKOUT)}:{self.line} imports {self.module}"

    def of(self, *packages: str) -> bool:
        """Tells whether the module is one of these packages or in one."""
        return any(self.module == package or self.module.startswith(f"{package}.") for package in packages)

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports(*places: Path) -> Iterator[Import]:
    """Gives every import of the Python files in some places."""
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                yield from (Import(file, node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}:{node.lineno} imports by a relative name"
                # `from package import module` imports the module, if it is one.
                yield from (Import(file, node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def within(place: Path) -> frozenset[Path]:
    return frozenset([place] if place.is_file() else place.rglob("*.py"))


def test_localtwins_knows_nothing_of_the_front_and_its_contract():
    assert [str(found) for found in imports(LOCALTWINS) if found.of("twinfront_server", "twinfront", "grpc")] == []


def test_what_both_programs_are_made_with_knows_neither():
    above = ("twinfront_server", "twinfront", "localtwins", "grpc", "azure", "aiohttp")
    assert [str(found) for found in imports(PROGRAM) if found.of(*above)] == []


def test_only_one_module_knows_the_library_of_the_log():
    found = [found for found in imports(FRONT, LOCALTWINS, PROGRAM) if found.of("structlog")]
    assert {found.file for found in found} == {PROGRAM / "log.py"}


def test_only_the_upstream_of_the_front_knows_localtwins():
    allowed = within(FRONT / "upstream")
    found = [found for found in imports(FRONT) if found.of("localtwins")]
    assert [str(found) for found in found if found.file not in allowed] == []
    assert found


def test_only_errors_and_the_upstream_of_the_front_know_the_sdk():
    allowed = within(FRONT / "upstream") | within(FRONT / "errors.py")
    assert [str(found) for found in imports(FRONT) if found.of("azure") and found.file not in allowed] == []


def test_services_build_no_json():
    assert [str(found) for found in imports(FRONT / "services") if found.of("json", "orjson")] == []


@pytest.mark.parametrize("name", ["abort", "abort_with_status", "set_code", "set_details"])
def test_services_raise_and_do_not_abort(name: str):
    called = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno}"
        for file in (FRONT / "services").glob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Attribute) and node.attr == name
    ]
    assert called == []


def test_the_wire_knows_neither_services_nor_the_upstream():
    above = ("twinfront_server.services", "twinfront_server.upstream", "twinfront_server.interceptors")
    assert [str(found) for found in imports(FRONT / "wire") if found.of(*above)] == []


def test_the_json_of_azure_digital_twins_knows_nothing_of_grpc_and_http():
    foreign = ("grpc", "google", "twinfront", "azure", "aiohttp", "localtwins")
    assert [str(found) for found in imports(FRONT / "adt") if found.of(*foreign)] == []


def test_the_json_of_azure_digital_twins_stands_on_errors_alone():
    allowed = ("twinfront_server.adt", "twinfront_server.errors")
    found = [found for found in imports(FRONT / "adt") if found.of("twinfront_server")]
    assert [str(found) for found in found if not found.of(*allowed)] == []


@pytest.mark.parametrize(
    "literal", ["$metadata", "$model", "sourceTime", "lastUpdateTime", "$lastUpdateTime", "~0", "~1"]
)
def test_names_of_a_twins_json_and_the_escapes_of_its_paths_stand_in_one_room(literal: str):
    places = {
        file.relative_to(FRONT).parts[0]
        for file in FRONT.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Constant) and node.value == literal
    }
    assert places == {"adt"}


def test_the_upstream_knows_neither_messages_nor_those_who_call_it():
    above = tuple(f"twinfront_server.{room}" for room in ("wire", "services", "interceptors", "writes", "graph"))
    assert [str(found) for found in imports(FRONT / "upstream") if found.of(*above)] == []


@pytest.mark.parametrize(("room", "other"), [("writes", "graph"), ("graph", "writes")])
def test_composed_writes_and_whole_graphs_know_nothing_of_each_other(room: str, other: str):
    assert [str(found) for found in imports(FRONT / room) if found.of(f"twinfront_server.{other}")] == []


@pytest.mark.parametrize(
    ("room", "below"),
    [
        ("sdk", ["operation"]),
        ("settling", ["operation", "asked", "reads"]),
        ("refusals", ["operation", "asked", "reads", "sdk", "settling"]),
    ],
)
def test_a_room_of_the_upstream_knows_the_rooms_below_it(room: str, below: list[str]):
    allowed = [f"twinfront_server.upstream.{name}" for name in (room, *below)]
    found = [found for found in imports(FRONT / "upstream" / room) if found.of("twinfront_server.upstream")]
    assert [str(found) for found in found if not found.of(*allowed)] == []


def test_dtdl_can_be_used_with_the_standard_library_alone():
    foreign = [
        str(found)
        for found in imports(LOCALTWINS / "dtdl")
        if found.top not in sys.stdlib_module_names and not found.of("localtwins.dtdl")
    ]
    assert foreign == []


def test_the_light_client_needs_grpc_and_protobuf_alone():
    commands = within(CLIENT / "_cli")
    foreign = [
        str(found)
        for found in imports(CLIENT)
        if found.file not in commands
        and found.top not in sys.stdlib_module_names
        and not found.of("grpc", "grpc_status", "google.protobuf", "google.rpc", "google.api", "twinfront")
    ]
    assert foreign == []


def test_the_commands_for_people_are_programs_on_the_client():
    assert [str(found) for found in imports(CLIENT) if found.of("twinfront_server", "localtwins", "azure")] == []


def test_an_import_inside_a_function_is_found(tmp_path: Path):
    (tmp_path / "lazy.py").write_text("def load():\n    from azure.core import exceptions\n    import grpc.aio\n")
    assert [found.module for found in imports(tmp_path)] == ["azure.core.exceptions", "grpc.aio"]
