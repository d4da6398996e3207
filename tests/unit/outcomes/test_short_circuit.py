"""A service that calls can do without costs them little when it fails."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog import get_logger
from structlog.testing import capture_logs

from twinfront_server.outcomes.short_circuit import ShortCircuit

from ...clock import Clock


class FaultError(Exception):
    """The service says that it fails."""


class Service:
    """Answers each question with its number, unless it fails; asked through a circuit with a timeout of 2 seconds."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Callable[[], Awaitable[object]] | Exception | None = None
        self._registry = CollectorRegistry()
        unanswered = Counter("unanswered", "What was not answered.", registry=self._registry)
        self._circuit = ShortCircuit("the service", 2.0, FaultError, unanswered, get_logger())

    async def ask(self) -> int | None:
        return await self._circuit.ask(self._answer)

    async def _answer(self) -> int:
        self.asked += 1
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            await self.failure()
        return self.asked

    @property
    def unanswered(self) -> float | None:
        return self._registry.get_sample_value("unanswered_total")


@pytest.fixture
def service() -> Service:
    return Service()


async def test_a_service_that_answers_is_asked_each_time(service: Service):
    with capture_logs() as logged:
        assert [await service.ask() for _ in range(3)] == [1, 2, 3]
    assert (service.unanswered, logged) == (0, [])


@pytest.mark.parametrize("failure", [FaultError("no"), ConnectionResetError("gone"), TimeoutError("late")])
async def test_after_a_failure_nothing_is_asked_for_a_second(service: Service, clock: Clock, failure: Exception):
    service.failure = failure
    assert await service.ask() is None
    service.failure = None
    await clock.advance(0.9)
    assert [await service.ask() for _ in range(2)] == [None, None]
    assert (service.asked, service.unanswered) == (1, 3)
    await clock.advance(0.2)
    assert [await service.ask() for _ in range(2)] == [2, 3]
    assert service.unanswered == 3


async def test_a_service_that_still_fails_is_left_alone_for_another_second(service: Service, clock: Clock):
    service.failure = FaultError("no")
    for _ in range(3):
        assert [await service.ask() for _ in range(2)] == [None, None]
        await clock.advance(1.1)
    assert (service.asked, service.unanswered) == (3, 6)


async def test_one_call_alone_finds_out_whether_it_is_back(service: Service, clock: Clock):
    service.failure = FaultError("no")
    await service.ask()
    await clock.advance(1.1)
    going_on = asyncio.Event()
    service.failure = going_on.wait
    finding_out = asyncio.create_task(service.ask())
    await asyncio.sleep(0)
    assert await service.ask() is None
    going_on.set()
    assert await finding_out == 2
    assert await service.ask() == 3


async def test_an_answer_is_waited_for_no_longer_than_the_timeout(service: Service, clock: Clock):
    service.failure = asyncio.Event().wait
    asking = asyncio.create_task(service.ask())
    await asyncio.sleep(0)
    await clock.advance(1.9)
    assert not asking.done()
    await clock.advance(0.2)
    assert await asking is None


async def test_the_log_says_once_that_it_fails_and_once_that_it_is_back(service: Service, clock: Clock):
    service.failure = FaultError("no memory")
    with capture_logs() as logged:
        for failure in (service.failure, service.failure, None, None):
            service.failure = failure
            await service.ask()
            await clock.advance(1.1)
    assert [(line["log_level"], line["event"]) for line in logged] == [
        ("warning", "the service fails"),
        ("info", "the service is back"),
    ]
    assert (logged[0]["error"], logged[0]["message"]) == ("FaultError", "no memory")


async def test_what_is_no_failure_of_the_service_is_told_to_the_caller(service: Service):
    service.failure = KeyError("x")
    with pytest.raises(KeyError):
        await service.ask()
    service.failure = None
    assert await service.ask() == 2
