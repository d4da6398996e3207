"""ghz, with which people measure their servers."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.tools import GHZ

from ..serving import Endpoint
from .cpp_client import PROTOS
from .running import run

# The tool's build is no part of the test that happens to come first.
pytestmark = pytest.mark.timeout(func_only=True)

CALLS = 200


@pytest.fixture(scope="session")
def program() -> Path:
    return GHZ.path()


def measured(program: Path, endpoint: Endpoint, *words: str) -> dict[str, Any]:
    flags: list[str | Path] = [f"--total={CALLS}", "--concurrency=10", "--format=json"]
    if endpoint.authority is None:
        flags.append("--insecure")
    else:
        flags += ["--cacert", endpoint.authority]
    if endpoint.client is not None:
        flags += ["--cert", endpoint.client.cert, "--key", endpoint.client.key]
    request = json.dumps({"digital_twin_id": "floor-0"})
    call = "--call=twinfront.v1.DigitalTwinService/GetDigitalTwin"
    ended = run([program, *flags, call, f"--data={request}", *words, endpoint.address])
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def test_all_calls_succeed(program: Path, endpoint: Endpoint) -> None:
    proto = PROTOS / "twinfront" / "v1" / "digital_twin_service.proto"
    report = measured(program, endpoint, f"--proto={proto}", f"--import-paths={PROTOS},{PROTOS / 'third_party'}")
    assert (report["statusCodeDistribution"], report["errorDistribution"]) == ({"OK": CALLS}, {})


def test_all_calls_by_reflection_succeed(program: Path, clear_endpoint: Endpoint) -> None:
    report = measured(program, clear_endpoint)
    assert (report["statusCodeDistribution"], report["errorDistribution"]) == ({"OK": CALLS}, {})
