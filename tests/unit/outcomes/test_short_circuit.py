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
    """Answers each question with its number, unless it fails; asked through a circuit."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Callable[[], Awaitable[object]] | Exception | None = None
        self._registry = CollectorRegistry()
        unanswered = Counter("unanswered", "What was not answered.", registry=self._registry)
        self._circuit = ShortCircuit("the service", (FaultError, OSError), unanswered, get_logger())

    async def ask(self) -> int | None:
        return await self._circuit.ask(self._answer)

    def begin(self) -> "asyncio.Future[int] | None":
        """Asks what nobody waits for; gives what is to be answered, None if nothing was asked."""
        asked: list[asyncio.Future[int]] = []

        def question() -> "asyncio.Future[int]":
            asked.append(asyncio.get_running_loop().create_future())
            return asked[0]

        return asked[0] if self._circuit.begin(question) else None

    def has_begun(self, question: Callable[[], "asyncio.Future[int] | None"]) -> bool:
        return self._circuit.begin(question)

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
async def service() -> Service:
    return Service()


async def test_a_service_that_answers_is_asked_each_time(service: Service):
    with capture_logs() as logged:
        assert [await service.ask() for _ in range(3)] == [1, 2, 3]
    assert (service.unanswered, logged) == (0, [])


@pytest.mark.parametrize("failure", [FaultError("no"), ConnectionResetError("gone"), TimeoutError("late")])
async def test_after_a_failure_nothing_is_asked_for_a_moment(service: Service, clock: Clock, failure: Exception):
    clock.stand_still()
    service.failure = failure
    assert await service.ask() is None
    service.failure = None
    await clock.advance(0.09)
    assert [await service.ask() for _ in range(2)] == [None, None]
    assert (service.asked, service.unanswered) == (1, 3)
    await clock.advance(0.02)
    assert [await service.ask() for _ in range(2)] == [2, 3]
    assert service.unanswered == 3


async def test_a_service_that_still_fails_is_left_alone_for_twice_as_long_up_to_a_second(
    service: Service, clock: Clock
):
    clock.stand_still()
    service.failure = FaultError("no")
    await service.ask()
    for pause in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0):
        asked = service.asked
        await clock.advance(pause - 0.01)
        assert (await service.ask(), service.asked) == (None, asked)
        await clock.advance(0.02)
        assert (await service.ask(), service.asked) == (None, asked + 1)


async def test_a_service_that_was_back_is_left_alone_as_after_a_first_failure(service: Service, clock: Clock):
    clock.stand_still()
    for _ in range(3):
        service.failure = FaultError("no")
        await service.ask()
        await clock.advance(0.11)
        service.failure = None
        assert await service.ask() is not None


async def test_questions_that_fail_together_count_as_one_failure(service: Service, clock: Clock):
    clock.stand_still()
    together = [service.begin() for _ in range(20)]
    for asked in together:
        assert asked is not None
        asked.set_exception(FaultError("no"))
    await asyncio.sleep(0)
    await clock.advance(0.11)
    assert await service.ask() == 1


async def test_when_who_was_to_find_out_is_gone_the_next_one_does(service: Service, clock: Clock):
    clock.stand_still()
    service.failure = FaultError("no")
    await service.ask()
    await clock.advance(0.11)
    service.failure = asyncio.Event().wait
    finding_out = asyncio.create_task(service.ask())
    await asyncio.sleep(0)
    finding_out.cancel()
    await asyncio.wait([finding_out])
    service.failure = None
    assert await service.ask() == 3


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


async def test_what_nobody_waits_for_fails_the_service_for_all_others(service: Service, clock: Clock):
    asked = service.begin()
    assert asked is not None
    asked.set_exception(FaultError("no"))
    await asyncio.sleep(0)
    assert await service.ask() is None
    assert service.begin() is None
    assert (service.asked, service.unanswered) == (0, 2)
    await clock.advance(1.1)
    assert await service.ask() == 1
    assert service.begin() is not None


async def test_what_nobody_waits_for_and_is_answered_leaves_all_as_it_was(service: Service):
    asked = service.begin()
    assert asked is not None
    asked.set_result(5)
    await asyncio.sleep(0)
    assert await service.ask() == 1
    assert service.unanswered == 0


async def test_a_fault_of_what_nobody_waits_for_that_is_none_of_the_service_stops_nothing(service: Service):
    asked = service.begin()
    assert asked is not None
    asked.set_exception(KeyError("x"))
    await asyncio.sleep(0)
    assert await service.ask() == 1


async def test_what_cannot_be_asked_at_once_is_not_begun(service: Service):
    assert not service.has_begun(lambda: None)


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
