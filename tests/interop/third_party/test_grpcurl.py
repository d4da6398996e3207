"""grpcurl, which knows nothing of the contract but what reflection tells it."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import grpc
import pytest
from tests.tools import GRPCURL

from ..serving import Endpoint
from .corridors import CORRIDORS, FIND_CORRIDORS, SPACE, STALE_ETAG
from .running import documents, run

# The tool's build is no part of the test that happens to come first.
pytestmark = pytest.mark.timeout(func_only=True)

Messages = list[dict[str, Any]]


class Grpcurl:
    """The tool, before one server."""

    def __init__(self, program: Path, endpoint: Endpoint) -> None:
        flags: list[str | Path] = []
        if endpoint.authority is None:
            flags.append("-plaintext")
        else:
            flags += ["-cacert", endpoint.authority]
        if endpoint.client is not None:
            flags += ["-cert", endpoint.client.cert, "-key", endpoint.client.key]
        self._program = program
        self._flags = flags
        self._address = endpoint.address

    def run(self, *words: str) -> CompletedProcess[str]:
        return run([self._program, *self._flags, self._address, *words])

    def told(self, *words: str) -> str:
        """Gives what it prints when asked about the contract."""
        ended = self.run(*words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def call(self, method: str, *requests: dict[str, Any]) -> Messages:
        """The messages that a call answers."""
        ended = self._call(method, *requests)
        assert ended.returncode == 0, ended.stderr
        return list(documents(ended.stdout))

    def refusal(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        """The status of a call that fails."""
        ended = self._call(method, request)
        assert ended.returncode != 0, ended.stdout
        (status,) = documents(ended.stderr)
        return status

    def _call(self, method: str, *requests: dict[str, Any]) -> CompletedProcess[str]:
        stdin = "".join(json.dumps(request) for request in requests)
        words = ["-format-error", "-d", "@", self._address, f"twinfront.v1.{method}"]
        return run([self._program, *self._flags, *words], stdin)


def _detail(status: dict[str, Any], name: str) -> dict[str, Any]:
    """The one detail of a type."""
    url = f"type.googleapis.com/{name}"
    (detail,) = (detail for detail in status["details"] if detail["@type"] == url)
    return {field: value for field, value in detail.items() if field != "@type"}


@pytest.fixture(scope="session")
def program() -> Path:
    return GRPCURL.path()


@pytest.fixture
def grpcurl(program: Path, endpoint: Endpoint) -> Grpcurl:
    return Grpcurl(program, endpoint)


@pytest.fixture
def clear_grpcurl(program: Path, clear_endpoint: Endpoint) -> Grpcurl:
    return Grpcurl(program, clear_endpoint)


def create(grpcurl: Grpcurl, name: str, area: float = 12.5) -> str:
    """Creates a space and gives its etag."""
    twin = {"model_id": SPACE, "properties": {"area": {"double_value": area}}}
    (answer,) = grpcurl.call(
        "DigitalTwinService/CreateOrReplaceDigitalTwin", {"digital_twin_id": name, "digital_twin": twin}
    )
    return str(answer["etag"])


def change(name: str, area: float, etag: str) -> dict[str, Any]:
    """A request that sets a space's area."""
    operation = {"op": "OP_REPLACE", "path": "/area", "value": {"double_value": area}}
    return {"digital_twin_id": name, "if_match": etag, "patch": [operation]}


def test_all_services_are_listed(grpcurl: Grpcurl) -> None:
    assert grpcurl.told("list").split() == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "twinfront.v1.ChangeService",
        "twinfront.v1.DigitalTwinService",
        "twinfront.v1.EventRouteService",
        "twinfront.v1.GraphService",
        "twinfront.v1.JobService",
        "twinfront.v1.ModelService",
        "twinfront.v1.PermissionService",
        "twinfront.v1.QueryService",
        "twinfront.v1.RelationshipService",
        "twinfront.v1.TelemetryService",
    ]


def test_a_server_that_asks_for_certificates_is_not_reached_without_one(
    program: Path, without_certificate: Endpoint
) -> None:
    ended = Grpcurl(program, without_certificate).run("list")
    assert ended.returncode != 0
    assert "Failed to dial" in ended.stderr


def test_the_rpcs_of_a_service_are_listed(clear_grpcurl: Grpcurl) -> None:
    assert clear_grpcurl.told("list", "twinfront.v1.QueryService").split() == [
        "twinfront.v1.QueryService.QueryTwins",
        "twinfront.v1.QueryService.StreamQueryTwins",
    ]


def test_a_service_is_described_with_its_streams(clear_grpcurl: Grpcurl) -> None:
    assert (
        "rpc ImportGraph ( stream .twinfront.v1.ImportGraphRequest )"
        " returns ( stream .twinfront.v1.ImportGraphResponse );"
    ) in clear_grpcurl.told("describe", "twinfront.v1.GraphService")


def test_an_rpc_is_described(clear_grpcurl: Grpcurl) -> None:
    described = clear_grpcurl.told("describe", "twinfront.v1.ModelService.ListModels")
    assert "rpc ListModels ( .twinfront.v1.ListModelsRequest )" in described


def test_a_message_is_described_with_the_fields_that_it_requires(clear_grpcurl: Grpcurl) -> None:
    described = clear_grpcurl.told("describe", "twinfront.v1.GetDigitalTwinRequest")
    assert "string digital_twin_id = 1 [(.google.api.field_behavior) = REQUIRED];" in described


@pytest.mark.parametrize(
    "name",
    [
        "google.rpc.BadRequest",
        "google.rpc.ErrorInfo",
        "google.rpc.PreconditionFailure",
        "google.rpc.QuotaFailure",
        "google.rpc.ResourceInfo",
        "google.rpc.RetryInfo",
        "google.rpc.Status",
        "twinfront.v1.EtagConflict",
        "twinfront.v1.RelationshipsBlockingDelete",
    ],
)
def test_every_type_that_details_have_is_described(clear_grpcurl: Grpcurl, name: str) -> None:
    assert clear_grpcurl.told("describe", name).startswith(f"{name} is a message:")


def test_a_created_twin_is_read(grpcurl: Grpcurl) -> None:
    etag = create(grpcurl, "read", 12.5)
    (answer,) = grpcurl.call("DigitalTwinService/GetDigitalTwin", {"digital_twin_id": "read"})
    twin = answer["digital_twin"]
    assert (twin["id"], twin["etag"], twin["model_id"]) == ("read", etag, SPACE)
    assert twin["properties"] == {"area": {"double_value": 12.5}}


def test_a_patch_changes_a_twin(grpcurl: Grpcurl) -> None:
    (changed,) = grpcurl.call("DigitalTwinService/UpdateDigitalTwin", change("patched", 13, create(grpcurl, "patched")))
    (answer,) = grpcurl.call("DigitalTwinService/GetDigitalTwin", {"digital_twin_id": "patched"})
    assert answer["etag"] == changed["etag"]
    assert answer["digital_twin"]["properties"] == {"area": {"double_value": 13}}


def test_a_conflict_shows_both_etags(grpcurl: Grpcurl) -> None:
    current = create(grpcurl, "contested")
    status = grpcurl.refusal("DigitalTwinService/UpdateDigitalTwin", change("contested", 13, STALE_ETAG))
    assert status["code"] == grpc.StatusCode.ABORTED.value[0]
    assert _detail(status, "google.rpc.ErrorInfo") == {
        "reason": "ETAG_MISMATCH",
        "domain": "twinfront",
        "metadata": {"digital_twin_id": "contested"},
    }
    assert _detail(status, "twinfront.v1.EtagConflict") == {
        "resource": "digitaltwins/contested",
        "expected_etag": STALE_ETAG,
        "current_etag": current,
    }


def test_a_blocked_delete_shows_the_relationships(clear_grpcurl: Grpcurl) -> None:
    status = clear_grpcurl.refusal("DigitalTwinService/DeleteDigitalTwin", {"digital_twin_id": "floor-0"})
    assert status["code"] == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    blocking = _detail(status, "twinfront.v1.RelationshipsBlockingDelete")
    assert {incoming["source_id"] for incoming in blocking["incoming"]} == {"harbour-house", "ahu-1"}


def test_a_request_that_is_refused_shows_the_field(clear_grpcurl: Grpcurl) -> None:
    status = clear_grpcurl.refusal("DigitalTwinService/GetDigitalTwin", {})
    assert status["code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    (violation,) = _detail(status, "google.rpc.BadRequest")["field_violations"]
    assert violation["field"] == "digital_twin_id"


def test_a_twin_that_does_not_exist_is_named(clear_grpcurl: Grpcurl) -> None:
    status = clear_grpcurl.refusal("DigitalTwinService/GetDigitalTwin", {"digital_twin_id": "nowhere"})
    assert status["code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert _detail(status, "google.rpc.ResourceInfo")["resource_name"] == "nowhere"


def test_a_query_streams_all_rows_in_several_messages(grpcurl: Grpcurl) -> None:
    answers = grpcurl.call("QueryService/StreamQueryTwins", {"query": FIND_CORRIDORS})
    assert len(answers) > 1
    assert sorted(row["digital_twin"]["id"] for answer in answers for row in answer["rows"]) == CORRIDORS


def test_a_graph_is_imported_from_standard_input(grpcurl: Grpcurl) -> None:
    twin = {"id": "imported", "model_id": SPACE}
    door = {"id": "door", "source_id": "floor-0", "target_id": "room-101", "name": "hasRoom"}
    answers = grpcurl.call(
        "GraphService/ImportGraph",
        {"options": {}},
        {"items": [{"digital_twin": twin}]},
        {"items": [{"relationship": door}]},
    )
    results = [result for answer in answers for result in answer.get("results", [])]
    assert {result["resource"] for result in results} == {
        "digitaltwins/imported",
        "digitaltwins/floor-0/relationships/door",
    }
    assert answers[-1]["progress"] == {
        "acknowledged_count": "2",
        "digital_twins_imported": "1",
        "relationships_imported": "1",
    }


def test_an_item_that_is_not_imported_shows_why(grpcurl: Grpcurl) -> None:
    twin = {"id": "homeless", "model_id": "dtmi:twinfront:sample:Nothing;1"}
    answers = grpcurl.call("GraphService/ImportGraph", {"items": [{"digital_twin": twin}]})
    (result,) = (result for answer in answers for result in answer.get("results", []))
    assert _detail(result["status"], "google.rpc.ErrorInfo")["reason"] == "VALIDATION_FAILED"
