"""The reasons of errors, their codes, and what keeps a wrong one out."""

import ast
from pathlib import Path
from typing import get_args

import grpc
import pytest

from docs.generate import errors as documented
from twinfront.v1.error_reason_pb2 import ErrorReason
from twinfront_server.reasons import InvalidReason, Reason

FRONT = Path(__file__).resolve().parents[3] / "server" / "twinfront_server"


def test_the_reasons_are_those_of_the_contract_in_its_order():
    assert [f"ERROR_REASON_{reason}" for reason in Reason] == ErrorReason.keys()[1:]


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_reads_as_its_name(reason: Reason):
    assert reason == reason.name


def test_each_reason_has_the_code_that_the_contract_says():
    assert {reason.name: reason.code.name for reason in Reason} == {
        reason.name: reason.code for reason in documented.reasons()
    }


def test_the_reasons_of_invalid_argument_are_named_as_a_type():
    assert set(get_args(InvalidReason)) == {
        reason for reason in Reason if reason.code is grpc.StatusCode.INVALID_ARGUMENT
    }


def test_no_reason_is_spelt_out_as_text_in_the_server():
    spelt_out = [
        f"{file.relative_to(FRONT)}:{node.lineno} {node.value!r}"
        for file in FRONT.rglob("*.py")
        if file.name != "reasons.py"
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Constant) and node.value in Reason.__members__
    ]
    assert spelt_out == []
