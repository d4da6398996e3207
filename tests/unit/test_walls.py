"""What may import what, read from the imports themselves: lazy ones and those for type checking count as well."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
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
        yield from imports_of(file)


@cache
def imports_of(file: Path) -> list[Import]:
    found: list[Import] = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found += (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports by a relative name"
            # `from package import module` imports the module, if it is one.
            found += (Import(file, node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
    return found


def within(place: Path) -> frozenset[Path]:
    return frozenset([place] if place.is_file() else place.rglob("*.py"))


def modules(*packages: Path) -> dict[str, Path]:
    """Gives the modules of some packages by name, a package being the module of its `__init__.py`."""
    files = [file for package in packages for file in package.rglob("*.py")]
    named = {file: ".".join(file.relative_to(package_root(file)).with_suffix("").parts) for file in files}
    return {name.removesuffix(".__init__"): file for file, name in named.items()}


def package_root(file: Path) -> Path:
    """Gives the folder that a file's topmost package is in."""
    folder = file.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def arrows(*packages: Path) -> Iterator[tuple[str, str]]:
    """Gives each import of one of the packages' modules by another."""
    named = modules(*packages)
    names = {file: name for name, file in named.items()}
    for found in imports(*packages):
        # What is imported is a module, or a name in one.
        module = found.module if found.module in named else found.module.rpartition(".")[0]
        if module in named and module != names[found.file]:
            yield names[found.file], module


def houses() -> dict[str, list[list[str]]]:
    """Reads the rooms of each package from CONTRIBUTING.md, line by line from the top."""
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    drawn = re.findall(r"<!-- house: (\S+) -->\n```text\n(.*?)```", text, flags=re.DOTALL)
    return {place: [line.split(", ") for line in lines.splitlines()] for place, lines in drawn}


def room_of(module: str, package: str) -> str:
    """Gives the room of a package that a module is in; the package's own is `__init__`."""
    return module.removeprefix(package).lstrip(".").partition(".")[0] or "__init__"


def test_the_houses_are_those_of_the_server():
    assert set(houses()) == {"server/twinfront_server", "server/twinfront_server/upstream", "server/localtwins"}


@pytest.mark.parametrize("place", houses())
def test_every_room_of_a_house_is_drawn_once(place: str):
    package = place.removeprefix("server/").replace("/", ".")
    drawn = [room for line in houses()[place] for room in line]
    assert sorted(drawn) == sorted({room_of(module, package) for module in modules(CHECKOUT / place)})


@pytest.mark.parametrize("place", houses())
def test_a_room_knows_those_on_lower_lines_alone(place: str):
    package = place.removeprefix("server/").replace("/", ".")
    height = {room: -line for line, rooms in enumerate(houses()[place]) for room in rooms}
    between = [
        (one, other) for one, other in arrows(CHECKOUT / place) if room_of(one, package) != room_of(other, package)
    ]
    assert len(between) > len(height)
    climbing = [
        f"{one} imports {other}"
        for one, other in between
        if height[room_of(one, package)] <= height[room_of(other, package)]
    ]
    assert climbing == []


def test_no_module_is_in_a_circle_of_imports():
    packages = (FRONT, LOCALTWINS, PROGRAM, CLIENT)
    knows: dict[str, set[str]] = {name: set() for name in modules(*packages)}
    for one, other in arrows(*packages):
        knows[one].add(other)
    assert sum(map(len, knows.values())) > 1000
    TopologicalSorter(knows).prepare()  # raises CycleError, which names the circle


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
