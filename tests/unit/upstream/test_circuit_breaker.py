"""Of what keeps an answer from coming, what speaks against the upstream."""

import asyncio

import pytest
from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseError, ServiceResponseTimeoutError
from prometheus_client import CollectorRegistry

from twinfront_server.metrics import Metrics
from twinfront_server.upstream.operation import GET_DIGITAL_TWIN, PROBE
from twinfront_server.upstream.sdk.answer_too_large import AnswerTooLargeError
from twinfront_server.upstream.sdk.circuit_breaker import CircuitBreaker
from twinfront_server.upstream.sdk.credential import CredentialError
from twinfront_server.upstream.sdk.not_connected import NotConnectedError


@pytest.fixture
def circuit() -> CircuitBreaker:
    return CircuitBreaker(Metrics(CollectorRegistry()), 1)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (NotConnectedError("refused"), 0.01),
        (ServiceResponseError("broken"), 0.01),
        (ServiceResponseTimeoutError("late"), 5.0),
        (ServiceRequestTimeoutError("late"), 5.0),
        (asyncio.CancelledError(), 5.0),
    ],
    ids=str,
)
def test_no_connection_and_long_silence_do(circuit: CircuitBreaker, error: BaseException, seconds: float):
    circuit.unanswered(error, seconds)
    assert circuit.is_open


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (ServiceResponseTimeoutError("late"), 1.0),
        (ServiceRequestTimeoutError("late"), 1.0),
        (asyncio.CancelledError(), 1.0),
        (CredentialError("expired"), 30.0),
        (AnswerTooLargeError("large"), 30.0),
    ],
    ids=str,
)
def test_little_time_and_what_others_did_do_not(circuit: CircuitBreaker, error: BaseException, seconds: float):
    circuit.unanswered(error, seconds)
    assert not circuit.is_open


def test_only_a_probe_passes_while_it_is_open(circuit: CircuitBreaker):
    circuit.answered(503)
    circuit.admit(PROBE)
    with pytest.raises(NotConnectedError):
        circuit.admit(GET_DIGITAL_TWIN)


@pytest.mark.parametrize("status", [200, 204, 404, 429])
def test_any_answer_closes_it(circuit: CircuitBreaker, status: int):
    circuit.answered(503)
    circuit.answered(status)
    circuit.admit(GET_DIGITAL_TWIN)
    assert not circuit.is_open
