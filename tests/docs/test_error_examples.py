"""What the page says about a reason is what a caller meets: class, code, details and metadata."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import twinfront
from tests.rpc.serving import process
from twinfront import TwinfrontClient, TwinfrontError

from .blocks import CHECKOUT


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", CHECKOUT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = _load()
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
    "INTERNAL",
}
"""Reasons of RPCs that are still to come, and of an upstream in trouble."""


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
    if name == "DEADLINE_EXCEEDED":  # decided by the client, which gives no reason
        return
    assert error.reason == name
    details = {type(detail).DESCRIPTOR.full_name.removeprefix("twinfront.v1.") for detail in error.details}
    promised = set(re.findall(r"`([\w.]*[A-Z]\w+)`", reason.details))
    assert details - {"google.rpc.ErrorInfo"} == promised
    if not reason.metadata.startswith("the ids"):
        assert set(error.metadata) <= set(re.findall(r"`(\w+)`", reason.metadata))
        assert error.metadata or not reason.metadata
