"""The service config that clients ship: which RPC is retried on what."""

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from tests.contract_services import METHODS as ALL_METHODS

PROTOS = Path(__file__).resolve().parents[3] / "protos"
SOURCE = PROTOS / "twinfront" / "v1" / "twinfront_service_config.json"
METHODS = {(method.containing_service.full_name, method.name): method for method in ALL_METHODS}
CHANGES_NOTHING = ("Check", "Get", "List", "BatchGet", "Query", "StreamQuery", "Export", "Watch")
NEVER_RETRIED = {"ABORTED", "FAILED_PRECONDITION", "UNKNOWN", "INTERNAL", "INVALID_ARGUMENT", "ALREADY_EXISTS"}


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SOURCE.read_text())
    return loaded


def _names(method_config: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name["service"], name["method"]) for name in method_config["name"]]


def test_every_service_file_is_looked_at():
    sources = {path.name for path in SOURCE.parent.glob("*_service.proto")}
    looked_at = {Path(method.containing_service.file.name).name for method in METHODS.values()}
    assert looked_at == sources


def test_every_rpc_is_in_exactly_one_group(config: dict[str, Any]):
    named = Counter(name for group in config["methodConfig"] for name in _names(group))
    assert named == Counter(METHODS.keys())


def test_all_but_streams_have_a_timeout(config: dict[str, Any]):
    for group in config["methodConfig"]:
        methods = [METHODS[name] for name in _names(group)]
        is_stream = {method.client_streaming or method.server_streaming for method in methods}
        assert is_stream == {"timeout" not in group}
        assert group.get("timeout", "1s").endswith("s")


def test_only_what_changes_nothing_is_retried_on_unavailable(config: dict[str, Any]):
    for group in config["methodConfig"]:
        codes = group.get("retryPolicy", {}).get("retryableStatusCodes", [])
        if "UNAVAILABLE" in codes:
            assert [name for name in _names(group) if not name[1].startswith(CHANGES_NOTHING)] == []


def test_no_code_that_a_retry_cannot_help_is_retried(config: dict[str, Any]):
    for group in config["methodConfig"]:
        codes = set(group.get("retryPolicy", {}).get("retryableStatusCodes", []))
        assert codes & NEVER_RETRIED == set()


def test_retry_policies_are_what_grpc_accepts(config: dict[str, Any]):
    for group in config["methodConfig"]:
        policy = group.get("retryPolicy")
        if policy is not None:
            assert 2 <= policy["maxAttempts"] <= 5
            assert policy["backoffMultiplier"] > 0
            assert float(policy["initialBackoff"].removesuffix("s")) <= float(policy["maxBackoff"].removesuffix("s"))


def test_the_shipped_copy_is_the_source():
    shipped = files("twinfront.v1") / SOURCE.name
    assert shipped.read_text() == SOURCE.read_text()
