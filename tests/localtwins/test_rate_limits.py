"""Rate limits: off by default, and then the service's own, answered in its two shapes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from localtwins import LocalTwins, Response, Settings
from localtwins.rate_limits import Pace, RateLimits
from localtwins.rest.routing import ROUTES
from localtwins.rest_api import OPERATIONS

from .adt import MODELS, ROOM_TWIN, Adt, replace

ROOM = "/digitaltwins/room"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def limited(clock: Clock) -> AsyncIterator[Adt]:
    settings = Settings(
        rate_limits=True, rate_models=2, rate_reads=3, rate_patches=20, rate_creates_and_deletes=20, rate_twin_writes=4
    )
    service = await LocalTwins.open(":memory:", settings)
    service._rate_limits = None
    adt = Adt(service)
    await adt.post("/models", MODELS)
    for twin_id in ("room", "machine"):
        twin = ROOM_TWIN if twin_id == "room" else {"$metadata": {"$model": "dtmi:test:Machine;1"}}
        assert (await adt.put(f"/digitaltwins/{twin_id}", twin)).status == 200
    service._rate_limits = RateLimits(settings, clock)
    yield adt
    await service.close()


def test_every_operation_has_one_route():
    routes = [route for methods in ROUTES.values() for route in methods.values()]
    assert sorted(route.operation.name for route in routes) == sorted(OPERATIONS)
    assert len({route.handler for route in routes}) == len(routes)


def test_the_defaults_are_the_services_own():
    settings = Settings()
    assert not settings.rate_limits
    assert (settings.rate_models, settings.rate_reads, settings.rate_patches) == (100, 1000, 1000)
    assert (settings.rate_creates_and_deletes, settings.rate_twin_writes) == (500, 10)
    assert (settings.rate_queries, settings.rate_query_units) == (500, 4000)
    assert (settings.rate_event_routes, settings.rate_jobs) == (100, 1)


async def test_nothing_is_limited_unless_it_is_asked_for(graph: Adt):
    for number in range(50):
        assert (await graph.patch(ROOM, replace("/temperature", number))).status == 204


async def test_the_instance_answers_as_the_gateway_does(limited: Adt, clock: Clock):
    for _ in range(3):
        assert (await limited.get(ROOM)).status == 200
    answer = await limited.get(ROOM)
    assert answer.status == 429
    assert answer.headers == {"Content-Type": "application/json", "Retry-After": "1"}
    message = (
        "Maximum request rate limit reached. "
        "For Azure Digital Twins rate limiting details please see http://aka.ms/dtv2limits."
    )
    assert answer.body == {"error": {"statusCode": 429, "message": message}}
    assert (await limited.get("/models")).status == 200, "other operations have a rate of their own"
    clock.now += 1
    assert (await limited.get(ROOM)).status == 200


async def test_a_twin_answers_with_its_name(limited: Adt, clock: Clock):
    for number in range(4):
        assert (await limited.patch(ROOM, replace("/temperature", number))).status == 204
    answer = await limited.patch(ROOM, replace("/temperature", 99))
    assert answer.status == 429
    assert answer.headers == {"Content-Type": "application/json; charset=utf-8", "Retry-After": "1"}
    assert answer.body == {
        "error": {
            "twinId": "room",
            "code": "TooManyRequests",
            "message": "Operation could not be completed as too many requests to this twin have been made. "
            "Please check Retry-After header to retry request.",
        }
    }
    assert (await limited.twin("room"))["temperature"] == 3
    clock.now += 0.25
    assert (await limited.patch(ROOM, replace("/temperature", 5))).status == 204
    assert (await limited.patch(ROOM, replace("/temperature", 6))).status == 429


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_relationship_counts_for_both_its_ends(limited: Adt, clock: Clock, method: str):
    link = f"{ROOM}/relationships/link"
    body: Any = {"$relationshipName": "servedBy", "$targetId": "machine"}
    assert (await limited.put(link, body)).status == 200
    clock.now += 1
    for number in range(4):
        assert (await limited.patch("/digitaltwins/machine", {"op": "add", "path": "/power", "value": number})).status
    if method != "PUT":
        body = [] if method == "PATCH" else None
    answer = await limited.send(method, link, body)
    assert (answer.status, answer.body["error"]["twinId"]) == (429, "machine")


async def test_a_relationship_of_a_twin_to_itself_counts_once(limited: Adt):
    body = {"$relationshipName": "servedBy", "$targetId": "room"}
    answers = [await limited.put(f"{ROOM}/relationships/{number}", body) for number in range(5)]
    assert [answer.status == 429 for answer in answers] == [False, False, False, False, True]


async def test_a_refused_request_does_not_count(limited: Adt, clock: Clock):
    for number in range(20):
        await limited.patch(ROOM, replace("/temperature", number))
    clock.now += 0.25
    assert (await limited.patch(ROOM, replace("/temperature", 5))).status == 204


async def test_what_is_wrong_is_still_told(limited: Adt):
    assert (await limited.put(f"{ROOM}/relationships/link", b"{")).code == "InvalidArgument"
    assert (await limited.put(f"{ROOM}/relationships/link", [])).code == "InvalidArgument"
    assert (await limited.delete(f"{ROOM}/relationships/none")).code == "RelationshipNotFound"


async def test_telemetry_has_no_rate(limited: Adt):
    for _ in range(30):
        assert (await limited.post(f"{ROOM}/telemetry", {}, message_id="m")).status == 204


def test_query_units_are_counted_after_the_answer(clock: Clock):
    limits = RateLimits(Settings(rate_query_units=10), clock)
    operation = OPERATIONS["query_twins"]
    call: Any = None
    limits.admit(operation, call, ())
    limits.settle(operation, Response(200, {"query-charge": "25.5"}))
    with pytest.raises(Exception, match="429 QuotaReachedError") as caught:
        limits.admit(operation, call, ())
    assert getattr(caught.value, "retry_after", None) == 2
    clock.now += 2
    limits.admit(operation, call, ())


def test_a_pace_may_be_slower_than_one_a_second(clock: Clock):
    pace = Pace(0.5, clock)
    assert pace.wait("") == 0
    pace.take("")
    assert pace.wait("") == 2
    clock.now += 2
    assert pace.wait("") == 0


def test_a_pace_forgets_who_is_idle(clock: Clock):
    pace = Pace(10, clock)
    for number in range(9_999):
        pace.take(str(number))
    clock.now += 1
    for number in range(3):
        pace.take(f"late{number}")
    assert len(pace._due) < 10
