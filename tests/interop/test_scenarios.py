"""The file of scenarios: what it covers, and that a client which does otherwise is found out."""

import json
from typing import Any

import pytest
from tests.contract_services import METHODS

from twinfront.v1.error_reason_pb2 import ErrorReason

from .comparing import essence, mismatches
from .odd_server.errors import ERRORS, RAW_DETAILS
from .scenarios import LIMITED_CALLER, LIVE_SERVER, ODD_SERVER, ODD_WATCHING, WATCHING, scenarios

NOT_FOR_A_CALLER_TO_PROVOKE = {
    "AUTHORIZER_UNAVAILABLE": "of a server that asks a policy system",
    "CALLER_NOT_PERMITTED": "of a server that asks who calls",
    "CHANGES_EXPIRED": "takes a log that was trimmed",
    "CHANGES_UNSUPPORTED": "of a server that follows no source",
    "CREDENTIALS_INVALID": "of a server that asks who calls",
    "CREDENTIALS_MISSING": "of a server that asks who calls",
    "DEADLINE_EXCEEDED": "its scenario has it, by code: the client may end a call before the server does",
    "INTERNAL": "a fault of the server",
    "SERVER_DRAINING": "a server that stops",
    "STREAM_NOT_READ": "takes a minute",
    "UPSTREAM_ANSWER_UNEXPECTED": "a fault of the upstream",
    "UPSTREAM_CREDENTIALS_REJECTED": "a fault of the deployment",
    "VALIDATE_ONLY_UNSUPPORTED": "of an instance on Azure only",
}

RPCS = {f"{method.containing_service.name}/{method.name}" for method in METHODS}


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    return steps_of(LIVE_SERVER)


def steps_of(file: str) -> list[dict[str, Any]]:
    return [step for scenario in scenarios("any", file).document["scenarios"] for step in scenario["steps"]]


def test_there_are_at_least_sixty_steps_in_twenty_scenarios(steps: list[dict[str, Any]]):
    assert len(steps) >= 60
    assert len(scenarios("any").document["scenarios"]) >= 20


def test_every_rpc_is_called(steps: list[dict[str, Any]]):
    assert {step["call"] for step in (*steps, *steps_of(LIMITED_CALLER)) if "call" in step} == RPCS


def test_every_reason_that_a_caller_can_provoke_is_provoked():
    provoked = {step.expect.get("error", {}).get("reason") for step in scenarios("any").steps}
    provoked |= {failed["reason"] for step in scenarios("any").steps for failed in _failed_items(step.expect)}
    reasons = {name.removeprefix("ERROR_REASON_") for name in list(ErrorReason.keys())[1:]}
    assert reasons - provoked == NOT_FOR_A_CALLER_TO_PROVOKE.keys()


def _failed_items(expect: dict[str, Any]) -> list[dict[str, str]]:
    failed: list[dict[str, str]] = expect.get("imported", {}).get("failed", [])
    return failed


def test_every_odd_error_is_met():
    text = json.dumps(scenarios("any", ODD_SERVER).document)
    assert [name for name in (*ERRORS, *RAW_DETAILS) if f'any-{name}"' not in text] == []


@pytest.mark.parametrize("file", [LIVE_SERVER, ODD_SERVER, LIMITED_CALLER, WATCHING, ODD_WATCHING])
def test_clients_have_ids_of_their_own(file: str):
    one, other = (json.dumps(scenarios(prefix, file).document) for prefix in ("p1q", "p2q"))
    assert "p2q" not in one
    assert one.replace("p1q", "p2q") == other


@pytest.mark.parametrize(
    ("expected", "got", "problem"),
    [
        ({"code": "OK"}, {"code": "OK", "more": 1}, None),
        ({"code": "OK"}, {"code": "NOT_FOUND"}, ".code: 'NOT_FOUND' is not 'OK'"),
        ({"code": "OK"}, {}, ".code is missing"),
        ({"changed": None}, {"changed": True}, ".changed is there: True"),
        ({"changed": None}, {}, None),
        ({"ids": ["a", "b"]}, {"ids": ["b", "a"]}, ".ids[0]: 'b' is not 'a'"),
        ({"ids": []}, {"ids": ["a"]}, ".ids: ['a'] is not []"),
        ({"value": 1}, {"value": True}, ".value: True is not 1"),
        ({"etag": "$any"}, {"etag": "x"}, None),
        ([{"etag": "${e}"}, {"etag": "${e}"}], [{"etag": "x"}, {"etag": "y"}], "[1].etag: 'y' is not 'x' as before"),
    ],
)
def test_what_a_runner_prints_is_held_against_what_is_expected(expected: Any, got: Any, problem: str | None):
    assert next(mismatches(expected, got, "", {}), None) == problem


def test_clients_may_differ_in_ids_etags_times_and_tokens_only():
    etag = 'W/"3f1f0a55-2a53-4c0e-8f0b-1f7d4f6b7c9e"'
    mine = {"code": "OK", "response": {"id": "p1q-a", "etag": etag, "at": "2026-06-01T07:30:00Z", "nextPageToken": "x"}}
    theirs = {"code": "OK", "response": {"id": "p2q-a", "etag": etag.replace("3", "4"), "at": "2027-06-01T07:30:00.1Z"}}
    assert essence(mine, "p1q") == essence(theirs, "p2q")
    theirs["response"]["id"] = "p2q-b"  # type: ignore[index]
    assert essence(mine, "p1q") != essence(theirs, "p2q")
