"""Every error in the catalogue of the service, recorded or only documented, and what callers get to see of it."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from docs.generate import errors

from .calls import RPCS, Rpc, refused
from .fault_server import Answer, FaultServer

CODES = {reason.name: reason.code for reason in errors.reasons()}

PATHS = {
    "twin": "/digitaltwins/room",
    "component": "/digitaltwins/room/components/thermostat",
    "relationship": "/digitaltwins/floor/relationships/r",
    "telemetry": "/digitaltwins/room/telemetry",
    "/eventroutes": "/eventroutes/route",
    "event route": "/eventroutes/route",
    "import job": "/jobs/imports/job",
    "models": "/models",
    "model": "/models/dtmi:example:Room;1",
    "/query": "/query",
    "query": "/query",
    "/jobs/deletions/": "/jobs/deletions/job",
    "/jobs/deletions": "/jobs/deletions",
}
"""Where the operations of the catalogue send their requests, by the first of these words that they have."""

SECTIONS = {
    "Twins and telemetry": ["twin"],
    "Components": ["component"],
    "Relationships": ["relationship"],
    "Models": ["models", "model"],
    "Queries and event routes": ["event route"],
    "Import jobs": ["import job"],
}
"""What the operations of a section are about, unless they say it themselves."""

EXPECTED = {
    "BadRequest": {"INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "QUERY_INVALID"},
    "ComponentNotFound": {"COMPONENT_NOT_FOUND"},
    "DTDLParserError": {"DTDL_INVALID"},
    "DeleteJobNotFound": {"JOB_NOT_FOUND"},
    "DigitalTwinNotFound": {"TWIN_NOT_FOUND"},
    "EventRouteEndpointInvalid": {"INVALID_ARGUMENT"},
    "EventRouteFilterInvalid": {"INVALID_ARGUMENT"},
    "EventRouteIdInvalid": {"INVALID_ARGUMENT"},
    "EventRouteNotFound": {"EVENT_ROUTE_NOT_FOUND"},
    "InvalidArgument": {"INVALID_ARGUMENT"},
    "InvalidRelationship": {"VALIDATION_FAILED"},
    "JobIdAlreadyExists": {"JOB_ALREADY_EXISTS"},
    "JobLimitReached": {"UPSTREAM_THROTTLED"},
    "JobNotFound": {"JOB_NOT_FOUND"},
    "JsonPatchInvalid": {"JSON_PATCH_INVALID"},
    "LimitExceeded": {"LIMIT_REACHED"},
    "MissingArgument": {"INVALID_ARGUMENT"},
    "ModelDecommissioned": {"MODEL_DECOMMISSIONED"},
    "ModelIdAlreadyExists": {"MODEL_ALREADY_EXISTS"},
    "ModelNotFound": {"MODEL_NOT_FOUND"},
    "ModelReferencesNotDecommissioned": {"MODEL_HAS_DEPENDENTS"},
    "ModelReferencesNotDeleted": {"MODEL_HAS_DEPENDENTS"},
    "ModelVersionNotSupported": {"DTDL_INVALID"},
    "OperationNotAllowed": {"INVALID_ARGUMENT"},
    "QuotaReachedError": {"UPSTREAM_THROTTLED"},
    "RelationshipAlreadyExists": {"RELATIONSHIP_ALREADY_EXISTS"},
    "RelationshipNotFound": {"RELATIONSHIP_NOT_FOUND"},
    "RelationshipsNotDeleted": {"TWIN_HAS_RELATIONSHIPS"},
    "SqlQueryError": {"QUERY_INVALID"},
    "TargetDigitalTwinNotFound": {"TARGET_TWIN_NOT_FOUND"},
    "TimeoutError": {"QUERY_INVALID"},
    "TooManyRequests": {"UPSTREAM_THROTTLED"},
    "TwinLimitReached": {"LIMIT_REACHED"},
    "ValidationFailed": {"VALIDATION_FAILED", "JOB_STATUS_CONFLICT", "JOB_ALREADY_EXISTS"},
}
"""Some of them mean different things to different operations."""


@dataclass(frozen=True)
class Entry:
    """An error that an operation may be answered with."""

    operation: str
    status: int
    code: str
    message: str

    def rpcs(self, section: str) -> Iterator[Rpc]:
        """The RPCs that send such a request; none for operations that the contract does not have."""
        said = next((word for word in PATHS if word in self.operation), None)
        paths = {PATHS[word] for word in ([said] if said else SECTIONS.get(section, []))}
        methods = set(re.findall(r"\b(GET|PUT|POST|PATCH|DELETE)\b", self.operation))
        for rpc in RPCS:
            if rpc.path in paths and (not methods or rpc.method in methods):
                yield rpc


def entries(catalogue: str) -> Iterator[tuple[str, Entry]]:
    """What the tables of the catalogue have, by section; preconditions are for the tests of conditions."""
    section = ""
    for line in catalogue.splitlines():
        section = line.removeprefix("## ") if line.startswith("## ") else section
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if section in SECTIONS and len(cells) >= 5 and cells[2].isdecimal() and re.fullmatch(r"[A-Za-z]+", cells[3]):
            if int(cells[2]) >= 400 and cells[2] != "412":
                yield section, Entry(cells[0], int(cells[2]), cells[3], cells[4])
        elif section.startswith("Not recorded") and len(cells) == 3 and re.fullmatch(r"\d{3}(, \d{3})?", cells[1]):
            yield from ((section, entry) for entry in _documented(*cells))


def _documented(operation: str, statuses: str, codes: str) -> Iterator[Entry]:
    groups = itertools.zip_longest(statuses.split(", "), codes.split("; "))
    for status, group in groups:
        for code in re.sub(r"\(.*?\)", "", group or "").split(","):
            yield Entry(operation, int(status or statuses[:3]), code.strip(), "No.")


async def test_every_error_of_the_catalogue_is_understood(
    shared: Path, upstream: FaultServer, channel: grpc.aio.Channel
):
    catalogue = (shared / "contract" / "ERRORS.md").read_text()
    understood = set()
    for section, entry in entries(catalogue):
        for rpc in entry.rpcs(section):
            upstream._script.clear()
            body = {"error": {"code": entry.code, "message": entry.message}}
            upstream.on(f"{rpc.method} {re.escape(rpc.path)}", Answer(entry.status, body, {"Retry-After": "0"}))
            upstream.on("GET", Answer(200, {"value": []}, {"ETag": 'W/"2"'}))
            error = await refused(rpc.call(channel))
            assert error.reason in EXPECTED[entry.code], (rpc.name, entry)
            assert error.code.name == CODES[error.reason]
            understood.add(entry.code)
    assert understood == EXPECTED.keys()
