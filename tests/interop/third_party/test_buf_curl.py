"""buf curl, which knows nothing of the contract but what reflection tells it."""

import base64
import json
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from twinfront.v1.error_details_pb2 import EtagConflict

from ..serving import Endpoint
from .corridors import CORRIDORS, FIND_CORRIDORS, SPACE, STALE_ETAG
from .running import documents, run


class BufCurl:
    """The tool, before one server."""

    def __init__(self, program: str, endpoint: Endpoint) -> None:
        flags: list[str | Path] = ["--protocol", "grpc"]
        if endpoint.authority is None:
            flags.append("--http2-prior-knowledge")
        else:
            flags += ["--cacert", endpoint.authority]
        if endpoint.client is not None:
            flags += ["--cert", endpoint.client.cert, "--key", endpoint.client.key]
        self._command = [program, "curl", *flags]
        self._url = f"{'http' if endpoint.authority is None else 'https'}://{endpoint.address}"

    def told(self, option: str) -> str:
        """Gives what it prints when asked about the contract."""
        ended = run([*self._command, option, self._url])
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def run(self, method: str, *requests: dict[str, Any]) -> CompletedProcess[str]:
        stdin = "".join(json.dumps(request) for request in requests)
        return run([*self._command, "--data=@-", f"{self._url}/twinfront.v1.{method}"], stdin)

    def call(self, method: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        """The messages that a call answers."""
        ended = self.run(method, *requests)
        assert ended.returncode == 0, ended.stderr
        return list(documents(ended.stdout))


@pytest.fixture(scope="session")
def program() -> str:
    """It comes with the packages that the tests need, beside the interpreter."""
    found = shutil.which("buf", path=Path(sys.executable).parent) or shutil.which("buf")
    assert found is not None, "buf-bin is not installed"
    return found


@pytest.fixture
def buf_curl(program: str, endpoint: Endpoint) -> BufCurl:
    return BufCurl(program, endpoint)


@pytest.fixture
def clear_buf_curl(program: str, clear_endpoint: Endpoint) -> BufCurl:
    return BufCurl(program, clear_endpoint)


def create(buf_curl: BufCurl, name: str) -> str:
    """Creates a space and gives its etag."""
    twin = {"modelId": SPACE, "properties": {"area": {"doubleValue": 12.5}}}
    (answer,) = buf_curl.call(
        "DigitalTwinService/CreateOrReplaceDigitalTwin", {"digitalTwinId": name, "digitalTwin": twin}
    )
    return str(answer["etag"])


def test_all_services_are_listed(buf_curl: BufCurl) -> None:
    services = buf_curl.told("--list-services").split()
    assert "grpc.health.v1.Health" in services
    assert len([service for service in services if service.startswith("twinfront.v1.")]) == 10


def test_all_rpcs_are_listed(clear_buf_curl: BufCurl) -> None:
    rpcs = clear_buf_curl.told("--list-methods").split()
    assert "twinfront.v1.DigitalTwinService/GetDigitalTwin" in rpcs
    assert "twinfront.v1.GraphService/ImportGraph" in rpcs


def test_a_created_twin_is_read(buf_curl: BufCurl) -> None:
    etag = create(buf_curl, "buf-read")
    (answer,) = buf_curl.call("DigitalTwinService/GetDigitalTwin", {"digitalTwinId": "buf-read"})
    assert answer["etag"] == etag
    assert answer["digitalTwin"]["properties"] == {"area": {"doubleValue": 12.5}}


def test_a_conflict_has_its_details(buf_curl: BufCurl) -> None:
    current = create(buf_curl, "buf-contested")
    ended = buf_curl.run(
        "DigitalTwinService/UpdateDigitalTwin", {"digitalTwinId": "buf-contested", "patch": [], "ifMatch": STALE_ETAG}
    )
    (status,) = documents(ended.stderr)
    assert status["code"] == "aborted"
    # It shows messages of details as they came, in base64 without padding.
    details = {detail["type"]: base64.b64decode(detail["value"] + "==") for detail in status["details"]}
    assert ErrorInfo.FromString(details["google.rpc.ErrorInfo"]).reason == "ETAG_MISMATCH"
    assert EtagConflict.FromString(details["twinfront.v1.EtagConflict"]) == EtagConflict(
        resource="digitaltwins/buf-contested", expected_etag=STALE_ETAG, current_etag=current
    )


def test_a_query_streams_all_rows_in_several_messages(buf_curl: BufCurl) -> None:
    answers = buf_curl.call("QueryService/StreamQueryTwins", {"query": FIND_CORRIDORS})
    assert len(answers) > 1
    assert sorted(row["digitalTwin"]["id"] for answer in answers for row in answer["rows"]) == CORRIDORS


def test_a_graph_is_imported_from_standard_input(buf_curl: BufCurl) -> None:
    items = [{"digitalTwin": {"id": f"buf-imported-{number}", "modelId": SPACE}} for number in range(3)]
    answers = buf_curl.call("GraphService/ImportGraph", *({"items": [item]} for item in items))
    assert answers[-1]["progress"] == {"acknowledgedCount": "3", "digitalTwinsImported": "3"}
