"""What the page says about a reason is what a caller meets: class, code, details and metadata."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.examples import program
from tests.rpc.serving import process

import twinfront
from twinfront import TwinfrontClient, TwinfrontError

from .blocks import CHECKOUT

generate = program.load(CHECKOUT / "docs" / "generate.py")
REASONS = {reason.name: reason for reason in generate.reasons()}
BEYOND_EXAMPLES = {
    "EVENT_ROUTE_NOT_FOUND",
    "JOB_NOT_FOUND",
    "QUERY_INVALID",
    "UPSTREAM_THROTTLED",
    "LIMIT_REACHED",
    "UPSTREAM_CREDENTIALS_REJECTED",
    "UPSTREAM_UNAVAILABLE",
    "OUTCOME_UNKNOWN",
    "UPSTREAM_ANSWER_UNEXPECTED",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "SERVER_DRAINING",
}
"""Reasons of RPCs that are still to come, of an upstream in trouble, and of bad timing."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinfrontClient]:
    served = process.start(tmp_path_factory.mktemp("served"), ["--sample"], {})
    with TwinfrontClient(served.address) as client:
        yield client
    served.process.kill()
    served.process.wait()


def test_every_reason_that_a_caller_can_bring_about_has_an_example():
    assert set(generate.EXAMPLES) == set(REASONS) - BEYOND_EXAMPLES


@pytest.mark.parametrize("name", generate.EXAMPLES)
def test_the_example_fails_as_the_page_says(client: TwinfrontClient, name: str):
    reason = REASONS[name]
    names: dict[str, Any] = {**vars(twinfront), "client": client}
    with pytest.raises(TwinfrontError) as raised:
        exec(generate.EXAMPLES[name], names)
    error = raised.value
    assert (type(error).__name__, error.code.name) == (reason.exception, reason.code)
    assert error.reason == name
    details = {type(detail).DESCRIPTOR.full_name.removeprefix("twinfront.v1.") for detail in error.details}
    promised = set(re.findall(r"`([\w.]*[A-Z]\w+)`", reason.details))
    assert details >= promised
    ids = set(re.findall(r"`(\w+)`", reason.metadata))
    assert not ids or ids & error.metadata.keys()
