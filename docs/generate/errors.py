"""The reasons of errors: what their comments say, and examples of how to meet them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import grpc

from docs.generate.protos import comments, described_protos
from docs.generate.tables import table
from twinfront import errors as client_errors
from twinfront.v1.error_reason_pb2 import ErrorReason

_ENUM_TYPE, _ENUM_VALUE = 5, 2
"""Field numbers of descriptors, which is what the paths of source comments are made of."""

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
    "QUERY_INVALID": 'list(client.query("SELECT * FROM rooms"))',
    "EVENT_ROUTE_NOT_FOUND": 'client.get_event_route("to-nowhere")',
    "JOB_NOT_FOUND": 'client.get_import_job("last-monday")',
    "JOB_ALREADY_EXISTS": """for _ in range(2):
    client.create_import_job("monday", "file:building.ndjson", "file:building.log")""",
    "JOB_STATUS_CONFLICT": """client.create_import_job("tuesday", "file:building.ndjson", "file:building.log")
while not client.get_import_job("tuesday").finished:
    time.sleep(0.1)
client.cancel_import_job("tuesday")""",
    "UPSTREAM_THROTTLED": 'client.create_models([{"@id": "dtmi:example:Lift;1", "@type": "Interface"}])',
    "LIMIT_REACHED": """lift = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:example:Lift;1", "@type": "Interface"}
client.create_models([lift])
client.create_or_replace_digital_twin("lift", DigitalTwin(model_id="dtmi:example:Lift;1"))""",
    "UPSTREAM_UNAVAILABLE": 'client.get_digital_twin("room-001")',
    "OUTCOME_UNKNOWN": 'client.publish_telemetry("room-001", {"temperature": 21.5})',
    "UPSTREAM_ANSWER_UNEXPECTED": 'client.get_digital_twin("room-001")',
    "DEADLINE_EXCEEDED": 'client.get_digital_twin("room-001", timeout=0.5)',
    "VALIDATE_ONLY_UNSUPPORTED": 'client.delete_digital_twin("room-001", validate_only=True)',
}
"""What brings a reason about, on the sample building."""

SERVERS = {
    "JOB_ALREADY_EXISTS": "LOCALTWINS_JOBS_DIR=. twinfront serve",
    "JOB_STATUS_CONFLICT": "LOCALTWINS_JOBS_DIR=. twinfront serve",
    "UPSTREAM_THROTTLED": "LOCALTWINS_INJECT=throttle=60 twinfront serve",
    "LIMIT_REACHED": "LOCALTWINS_MAX_TWINS=0 twinfront serve",
    "UPSTREAM_UNAVAILABLE": "LOCALTWINS_INJECT=error=503:on=get_digital_twin twinfront serve",
    "OUTCOME_UNKNOWN": "LOCALTWINS_INJECT=lost:on=publish_telemetry twinfront serve --sample",
    "UPSTREAM_ANSWER_UNEXPECTED": "twinfront serve --upstream http://localhost:8000 --upstream-credential none",
    "DEADLINE_EXCEEDED": "LOCALTWINS_INJECT=latency=5s:on=get_digital_twin twinfront serve",
    "VALIDATE_ONLY_UNSUPPORTED": "twinfront serve --upstream https://example.api.weu.digitaltwins.azure.net",
}
"""The servers that the examples of some reasons need; on port 8000 is a web server that is no Azure Digital Twins."""

TEXTS = {
    "UPSTREAM_CREDENTIALS_REJECTED": (
        "[UPSTREAM_CREDENTIALS_REJECTED] Azure Digital Twins rejects this server's credential; its operator has to "
        "look into it. (call id 5b1f0f4c98f04a0e)"
    ),
    "INTERNAL": (
        "[INTERNAL] The server failed; its log has the story under call id 5b1f0f4c98f04a0e. (call id 5b1f0f4c98f04a0e)"
    ),
    "SERVER_DRAINING": (
        "[SERVER_DRAINING] This server is about to stop. Nothing was changed; try again. (call id 5b1f0f4c98f04a0e)"
    ),
    "CREDENTIALS_MISSING": (
        "[CREDENTIALS_MISSING] This server asks who calls: send a token in 'authorization: Bearer TOKEN'. "
        "(call id 5b1f0f4c98f04a0e)"
    ),
    "CREDENTIALS_INVALID": "[CREDENTIALS_INVALID] The token has expired. (call id 5b1f0f4c98f04a0e)",
    "CALLER_NOT_PERMITTED": (
        "[CALLER_NOT_PERMITTED] alice may not do this: GetDigitalTwin takes the permission twins.read, which the roles "
        "reader, writer and operator have. (call id 5b1f0f4c98f04a0e)"
    ),
    "AUTHORIZER_UNAVAILABLE": (
        "[AUTHORIZER_UNAVAILABLE] Nothing was done: the policy system that decides whether this caller may do this "
        "does not answer. Try again. (call id 5b1f0f4c98f04a0e)"
    ),
    "RESUME_TOKEN_INVALID": (
        "[RESUME_TOKEN_INVALID] resume_token: is of another log of changes (call id 5b1f0f4c98f04a0e)"
    ),
    "CHANGES_EXPIRED": (
        "[CHANGES_EXPIRED] The log no longer has all changes from there on: read the state, and watch on from it "
        "(initial_state). (call id 5b1f0f4c98f04a0e)"
    ),
    "CHANGES_UNSUPPORTED": (
        "[CHANGES_UNSUPPORTED] This server knows of no changes: before Azure Digital Twins it has to be told where "
        "they come in (--changes). (call id 5b1f0f4c98f04a0e)"
    ),
    "STREAM_NOT_READ": (
        "[STREAM_NOT_READ] A message waited 1 s for its caller to read on. Go on behind the last one that was read. "
        "(call id 5b1f0f4c98f04a0e)"
    ),
}
"""How the exception reads, for the reasons that no call alone can bring about."""


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
        return client_errors._kind(grpc.StatusCode[self.code], self.name).__name__  # noqa: SLF001  (what users only see raised)


def error_table() -> str:
    """The reasons with code and meaning, for the README."""
    rows = ([f"`{reason.name}`", f"`{reason.code}`", _first_sentence(reason.meaning)] for reason in reasons())
    return table(("reason", "code", "what happened"), rows)


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
    if reason.name in SERVERS:
        section += f"\n```sh\n{SERVERS[reason.name]}\n```\n"
    if reason.name in EXAMPLES:
        section += f"\n```python\n{EXAMPLES[reason.name]}\n```\n"
    if reason.name in TEXTS:
        section += f"\n```text\n{TEXTS[reason.name]}\n```\n"
    return section


def reasons() -> Iterator[Reason]:
    """The reasons in the order of the enum."""
    prefix = "ERROR_REASON_"
    for file in described_protos():
        for position, enum in enumerate(file.enum_type):
            if enum.name != ErrorReason.DESCRIPTOR.name:
                continue
            said = comments(file)
            for index, value in enumerate(enum.value[1:], 1):
                yield _reason(value.name.removeprefix(prefix), said[_ENUM_TYPE, position, _ENUM_VALUE, index])


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


def _first_sentence(text: str) -> str:
    return text if text.count(". ") == 0 else text.partition(". ")[0] + "."
