"""Fills in the parts of README.md and docs/ that are made from the code: tables of RPCs, errors, metrics and settings.

    python docs/generate.py            writes them anew
    python docs/generate.py --check    exits with 1 and names the files that are stale

In a page such a part stands between `<!-- begin errors -->` and `<!-- end errors -->`; the names are those of `PARTS`.
"""

# ruff: noqa: INP001  (a script)

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

import localtwins
from localtwins.rest.operation import BY_NAME
from twinfront import errors as client_errors
from twinfront.v1.error_reason_pb2 import ErrorReason
from twinfront_server.metrics import BUCKETS, METRICS
from twinfront_server.settings import describe

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
SERVICE_CONFIG = PROTOS / "twinfront" / "v1" / "twinfront_service_config.json"

_ENUM_TYPE, _ENUM_VALUE, _SERVICE, _METHOD = 5, 2, 6, 2
"""Field numbers of descriptors, which is what the paths of source comments are made of."""

_NONE = "none"

EXAMPLES = {
    "ETAG_MISMATCH": """client.update_digital_twin("room-001", patch().remove("/name"), if_match='W/"of-yesterday"')""",
    "TWIN_ALREADY_EXISTS": """twin = client.get_digital_twin("room-001")
client.create_or_replace_digital_twin("room-001", twin, if_none_match=True)""",
    "RELATIONSHIP_ALREADY_EXISTS": """relationship = client.get_relationship("floor-0", "hasRoom-room-001")
client.create_or_replace_relationship("floor-0", "hasRoom-room-001", relationship, if_none_match=True)""",
    "TWIN_HAS_RELATIONSHIPS": 'client.delete_digital_twin("room-001")',
    "TWIN_NOT_FOUND": 'client.get_digital_twin("room-999")',
    "RELATIONSHIP_NOT_FOUND": 'client.get_relationship("floor-0", "hasRoom-room-999")',
    "COMPONENT_NOT_FOUND": 'client.get_component("room-001", "sprinkler")',
    "MODEL_NOT_FOUND": 'client.get_model("dtmi:twinfront:sample:Elevator;1")',
    "TARGET_TWIN_NOT_FOUND": """door = Relationship(name="adjacentTo", target_id="room-999")
client.create_or_replace_relationship("room-001", "door", door)""",
    "MODEL_ALREADY_EXISTS": """room = client.get_model("dtmi:twinfront:sample:Room;1", include_model_definition=True)
client.create_models([room.dtdl_model])""",
    "MODEL_HAS_DEPENDENTS": 'client.delete_model("dtmi:twinfront:sample:Space;1")',
    "MODEL_DECOMMISSIONED": """client.decommission_model("dtmi:twinfront:sample:MotionSensor;1")
client.create_or_replace_digital_twin("motion-99", DigitalTwin(model_id="dtmi:twinfront:sample:MotionSensor;1"))""",
    "VALIDATION_FAILED": 'client.update_digital_twin("room-001", patch().replace("/temperature", "warm"))',
    "JSON_PATCH_INVALID": 'client.update_digital_twin("room-003", patch().replace("/humidity", 40))  # never set',
    "DTDL_INVALID": 'client.create_models([{"@id": "dtmi:twinfront:sample:Elevator;1", "@type": "Interface"}])',
    "INVALID_ARGUMENT": 'client.get_digital_twin("")',
    "PAGE_TOKEN_INVALID": 'next(client.list_relationships("floor-0").pages("made-up"))',
}
"""What brings a reason about, on the sample building."""

_PART = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n).*?(<!-- end (?P=name) -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reason:
    """One value of `ErrorReason` as its comment explains it."""

    name: str
    code: str
    meaning: str
    details: str
    metadata: str

    @property
    def exception(self) -> str:
        """The class that the Python client raises for it."""
        by_code = client_errors._BY_CODE.get(grpc.StatusCode[self.code], client_errors.TwinfrontError)  # noqa: SLF001
        return client_errors._BY_REASON.get(self.name, by_code).__name__  # noqa: SLF001


def pages() -> list[Path]:
    """The files that have such parts."""
    candidates = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [path for path in candidates if _PART.search(path.read_text())]


def filled_in(text: str) -> str:
    """A page with all its parts as the code has them; KeyError for a part that nobody makes."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}\n{part[3]}", text)


def error_table() -> str:
    """The reasons with code and meaning, for the README."""
    rows = ([f"`{reason.name}`", f"`{reason.code}`", _first_sentence(reason.meaning)] for reason in reasons())
    return _table(("reason", "code", "what happened"), rows)


def error_sections() -> str:
    """A section for each reason."""
    return "\n".join(_error_section(reason) for reason in reasons()).rstrip()


def _error_section(reason: Reason) -> str:
    facts = [f"`{reason.code}`, in Python `{reason.exception}`."]
    if reason.details:
        facts.append(f"Details: {reason.details}.")
    if reason.metadata:
        facts.append(f"Metadata: {reason.metadata}.")
    section = f"### {reason.name}\n\n{reason.meaning}\n\n{' '.join(facts)}\n"
    if reason.name in EXAMPLES:
        section += f"\n```python\n{EXAMPLES[reason.name]}\n```\n"
    return section


def metric_table() -> str:
    """All metrics of the server."""
    rows = (
        [f"`{metric.name}`", metric.type, ", ".join(f"`{label}`" for label in metric.labels) or _NONE, metric.help]
        for metric in METRICS
    )
    return _table(("metric", "type", "labels", "what it counts"), rows)


def bucket_list() -> str:
    """The bounds of the histograms."""
    return ", ".join(f"{bound:g}" for bound in BUCKETS)


def setting_tables() -> str:
    """The settings of `twinfront serve`, group by group."""
    groups = dict.fromkeys(setting.group for setting in describe())
    return "\n\n".join(f"## {group.capitalize()}\n\n{_setting_table(group)}" for group in groups)


def _setting_table(group: str) -> str:
    rows = (
        [
            f"`{setting.flag}`",
            f"`{setting.variable}`",
            f"`{setting.default}`" if setting.default else _NONE,
            setting.help + (f" One of: {', '.join(setting.choices)}." if setting.choices else ""),
        ]
        for setting in describe()
        if setting.group == group
    )
    return _table(("flag", "variable", "default", "what it does"), rows)


def localtwins_setting_table() -> str:
    """The settings of `localtwins serve`."""
    prefix = localtwins.Settings.model_config["env_prefix"]
    rows = (
        [
            f"`--{name.replace('_', '-')}`",
            f"`{prefix}{name.upper()}`",
            _NONE if field.default is None else "off" if field.default is False else f"`{field.default}`",
            _sentence(field.description or ""),
        ]
        for name, field in localtwins.Settings.model_fields.items()
    )
    return _table(("flag", "variable", "default", "what it does"), rows)


def localtwins_operations() -> str:
    """The operations that faults can be restricted to."""
    reads = [name for name, operation in BY_NAME.items() if not operation.write]
    writes = [name for name, operation in BY_NAME.items() if operation.write]
    return _table(
        ("group", "operations"),
        [
            [f"`{group}`", ", ".join(f"`{name}`" for name in names)]
            for group, names in (("reads", reads), ("writes", writes))
        ],
    )


def rpc_tables() -> str:
    """Every RPC, service by service, with its default timeout and what it is sent again on."""
    policies = {
        (name["service"], name["method"]): (
            config["timeout"],
            ", ".join(f"`{code}`" for code in config.get("retryPolicy", {}).get("retryableStatusCodes", [])) or _NONE,
        )
        for config in json.loads(SERVICE_CONFIG.read_text())["methodConfig"]
        for name in config["name"]
    }
    sections = []
    for file in _described_protos():
        comments = _comments(file)
        for position, service in enumerate(file.service):
            full_name = f"{file.package}.{service.name}"
            rows = (
                [
                    f"`{method.name}`",
                    comments[_SERVICE, position, _METHOD, index],
                    *policies[full_name, method.name],
                ]
                for index, method in enumerate(service.method)
            )
            table = _table(("RPC", "what it does", "timeout", "sent again on"), rows)
            sections.append(f"## {service.name}\n\n{comments[_SERVICE, position]}\n\n{table}")
    return "\n\n".join(sections)


def reasons() -> Iterator[Reason]:
    """The reasons in the order of the enum."""
    prefix = "ERROR_REASON_"
    for file in _described_protos():
        for position, enum in enumerate(file.enum_type):
            if enum.name != ErrorReason.DESCRIPTOR.name:
                continue
            comments = _comments(file)
            for index, value in enumerate(enum.value[1:], 1):
                yield _reason(value.name.removeprefix(prefix), comments[_ENUM_TYPE, position, _ENUM_VALUE, index])


def _reason(name: str, comment: str) -> Reason:
    code, _, rest = comment.partition(". ")
    rest, _, metadata = rest.partition(" Metadata: ")
    meaning, *details = re.split(r" Details?: ", rest)
    return Reason(name, code, meaning, _marked(details[0]) if details else "", _marked(metadata))


def _marked(text: str) -> str:
    """The names in a list of messages or fields, set as code."""
    return re.sub(
        r"(?<![`\w.])((?:google\.rpc\.)?[A-Z]\w+[a-z]\w*|\w+_id|component_name)(?![`\w])", r"`\1`", text
    ).rstrip(".")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _first_sentence(text: str) -> str:
    return text if text.count(". ") == 0 else text.partition(". ")[0] + "."


def _described_protos() -> Sequence[FileDescriptorProto]:
    """The project's protos with their comments, in alphabetical order."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in (PROTOS / "twinfront").rglob("*.proto"))
    includes = (PROTOS, PROTOS / "third_party", files("grpc_tools") / "_proto")
    with tempfile.NamedTemporaryFile() as output:
        arguments = [*(f"--proto_path={path}" for path in includes), "--include_source_info"]
        if protoc.main(["protoc", *arguments, f"--descriptor_set_out={output.name}", *sources]) != 0:
            raise SystemExit("protoc refuses the protos")
        return FileDescriptorSet.FromString(Path(output.name).read_bytes()).file


def _comments(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """The comment before each element, on one line, by the element's path."""
    return {
        tuple(location.path): " ".join(location.leading_comments.split()) for location in file.source_code_info.location
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS: dict[str, Callable[[], str]] = {
    "buckets": bucket_list,
    "error-sections": error_sections,
    "error-table": error_table,
    "localtwins-operations": localtwins_operations,
    "localtwins-settings": localtwins_setting_table,
    "metrics": metric_table,
    "rpcs": rpc_tables,
    "settings": setting_tables,
}


def main() -> int:
    """Writes the pages, or only looks whether they are as they would be written."""
    stale = [path for path in pages() if path.read_text() != filled_in(path.read_text())]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run docs/generate.py", file=sys.stderr)  # noqa: T201
        return 1 if stale else 0
    for path in stale:
        path.write_text(filled_in(path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
