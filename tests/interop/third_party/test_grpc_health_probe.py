"""grpc-health-probe, with which orchestrators look whether a server is well."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.tools import GRPC_HEALTH_PROBE

from ..serving import Endpoint
from .running import run

# The tool's build is no part of the test that happens to come first.
pytestmark = pytest.mark.timeout(func_only=True)


@pytest.fixture(scope="session")
def program() -> Path:
    return GRPC_HEALTH_PROBE.path()


def probe(program: Path, endpoint: Endpoint, *words: str) -> CompletedProcess[str]:
    flags: list[str | Path] = [f"-addr={endpoint.address}", "-connect-timeout=20s", "-rpc-timeout=20s"]
    if endpoint.authority is not None:
        flags += ["-tls", "-tls-ca-cert", endpoint.authority]
    if endpoint.client is not None:
        flags += ["-tls-client-cert", endpoint.client.cert, "-tls-client-key", endpoint.client.key]
    return run([program, *flags, *words])


def test_the_server_is_serving(program: Path, endpoint: Endpoint) -> None:
    ended = probe(program, endpoint)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "status: SERVING\n")


def test_a_service_of_the_server_is_serving(program: Path, endpoint: Endpoint) -> None:
    ended = probe(program, endpoint, "-service=twinfront.v1.DigitalTwinService")
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "status: SERVING\n")


def test_an_unknown_service_ends_it_with_an_error(program: Path, clear_endpoint: Endpoint) -> None:
    ended = probe(program, clear_endpoint, "-service=no.such.Service")
    assert ended.returncode != 0
    assert "NotFound" in ended.stderr


def test_a_server_that_asks_for_certificates_is_not_reached_without_one(
    program: Path, without_certificate: Endpoint
) -> None:
    ended = probe(program, without_certificate, "-connect-timeout=2s")
    assert ended.returncode != 0
    assert "failed to connect" in ended.stderr
