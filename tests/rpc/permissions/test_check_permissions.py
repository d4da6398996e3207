"""CheckPermissions says beforehand what the calls themselves would come to."""

import grpc.aio
import pytest

from twinfront_server.access.rules import RULES

from .caller import Caller, method_named, methods, rule_of
from .plant import Plant

GET = "twinfront.v1.DigitalTwinService/GetDigitalTwin"
QUERY = "twinfront.v1.QueryService/QueryTwins"


async def decisions(who: Caller, *checks: tuple[str, str]) -> list[tuple[bool, bool]]:
    asked = [{"method": method, "digital_twin_id": digital_twin_id} for method, digital_twin_id in checks]
    answer = await who.ask("CheckPermissions", checks=asked)
    return [(decision.permitted, decision.limited) for decision in answer.decisions]


@pytest.mark.parametrize("role", ["", "reader", "writer", "modeller", "operator"])
async def test_what_it_says_of_every_rpc_is_what_the_rpc_says(caller: Caller, role: str):
    who = caller.known_as("alice", role)
    said = await decisions(who, *((name, "") for name in RULES))
    for (permitted, limited), name in zip(said, RULES, strict=True):
        reason = await who.reason(method_named(name.partition("/")[2]))
        assert permitted == (reason != "CALLER_NOT_PERMITTED"), name
        assert not limited


async def test_of_a_twin_it_says_whether_it_is_inside(plant: Plant):
    ids = ("a-room", "a-pump", "b-room", "a-none")
    checks = [(GET, digital_twin_id) for digital_twin_id in ids]
    assert await decisions(plant.owner, *checks) == [(True, False)] * 4
    assert [said for said, _ in await decisions(plant.house_a, *checks)] == [True, True, False, True]
    assert [said for said, _ in await decisions(plant.spaces, *checks)] == [True, False, True, False]


async def test_what_takes_the_whole_graph_is_not_permitted_to_who_is_limited(plant: Plant):
    wholes = [method for method in methods() if rule_of(method).whole]
    names = [f"{method.containing_service.full_name}/{method.name}" for method in wholes]
    for who in (plant.house_a, plant.spaces):
        assert await decisions(who, *((name, "") for name in names)) == [(False, True)] * len(names)
        assert await decisions(who, (GET, "")) == [(True, True)]


@pytest.mark.parametrize(
    ("checks", "field"),
    [
        ([], "checks"),
        ([{"method": GET}, {"method": "Burn"}], "checks[1].method"),
        ([{"method": GET, "digital_twin_id": "x" * 5000}], "checks[0].digital_twin_id"),
        ([{"method": GET}] * 1001, "checks"),
    ],
)
async def test_a_check_that_makes_no_sense_is_refused_by_its_field(
    caller: Caller, checks: list[dict[str, str]], field: str
):
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await caller.known_as("alice", "reader").ask("CheckPermissions", checks=checks)
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert str(refusal.value.details()).startswith(f"{field}: ")
