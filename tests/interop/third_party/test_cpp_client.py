"""A C++ program, built with the protoc and the gRPC of Debian, from stubs that they make of the protos."""

from pathlib import Path

import grpc
import pytest

from ..serving import Endpoint
from .corridors import CORRIDORS, FIND_CORRIDORS, SPACE, STALE_ETAG
from .cpp_client import cpp_client
from .running import run

# The program's build is no part of the test that happens to come first.
pytestmark = pytest.mark.timeout(func_only=True)


class Twins:
    """The program, before one server."""

    def __init__(self, program: Path, endpoint: Endpoint) -> None:
        flags: list[str | Path] = []
        if endpoint.authority is not None:
            flags += ["--ca", endpoint.authority]
        if endpoint.client is not None:
            flags += ["--cert", endpoint.client.cert, "--key", endpoint.client.key]
        self._command = [program, *flags, endpoint.address]

    def run(self, *words: str) -> str:
        """Gives the answer to a call."""
        ended = run([*self._command, *words])
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.rstrip("\n")

    def refusal(self, *words: str) -> dict[str, str]:
        """Gives what is printed of a call that fails, by name."""
        ended = run([*self._command, *words])
        assert ended.returncode == 1, ended.stdout + ended.stderr
        pairs = (line.partition(" ") for line in ended.stdout.splitlines())
        return {name: value for name, _, value in pairs}


@pytest.fixture(scope="session")
def program() -> Path:
    return cpp_client()


@pytest.fixture
def twins(program: Path, endpoint: Endpoint) -> Twins:
    return Twins(program, endpoint)


def test_a_twin_that_it_creates_is_read(twins: Twins) -> None:
    twins.run("create", SPACE, "cpp-read", "12.5")
    assert twins.run("area", "cpp-read") == "12.5"


def test_a_patch_changes_a_twin(twins: Twins) -> None:
    etag = twins.run("create", SPACE, "cpp-patched", "12.5")
    assert twins.run("change", "cpp-patched", "13.25", etag) != etag
    assert twins.run("area", "cpp-patched") == "13.25"


def test_a_conflict_is_decoded_from_the_trailer(twins: Twins) -> None:
    current = twins.run("create", SPACE, "cpp-contested", "12.5")
    assert twins.refusal("change", "cpp-contested", "13", STALE_ETAG) == {
        "code": str(grpc.StatusCode.ABORTED.value[0]),
        "reason": "ETAG_MISMATCH",
        "resource": "digitaltwins/cpp-contested",
        "expected": STALE_ETAG,
        "current": current,
    }


def test_the_reason_and_the_field_of_a_wrong_request_are_decoded(twins: Twins) -> None:
    assert twins.refusal("area", "no/such/twin") == {
        "code": str(grpc.StatusCode.INVALID_ARGUMENT.value[0]),
        "reason": "INVALID_ARGUMENT",
        "field": "digital_twin_id",
    }


def test_a_stream_is_read_to_its_end(twins: Twins) -> None:
    messages = twins.run("query", FIND_CORRIDORS).splitlines()
    assert len(messages) > 1
    assert sorted(name for message in messages for name in message.split()) == CORRIDORS


def test_a_server_that_asks_for_certificates_is_not_reached_without_one(
    program: Path, without_certificate: Endpoint
) -> None:
    assert Twins(program, without_certificate).refusal("area", "floor-0") == {
        "code": str(grpc.StatusCode.UNAVAILABLE.value[0])
    }
