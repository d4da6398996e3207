"""Writes whose answers are lost, over an embedded service that loses them on demand.

The caller gets the success that was lost, with the true etag; never a conflict with a write of its own.
"""

import asyncio

import pytest
from tests.contract_services import METHODS

from twinfront import (
    EtagMismatchError,
    OutcomeUnknownError,
    TwinNotFoundError,
    ValidationFailedError,
    patch,
)

from .house import serving
from .lost_writes import TELEMETRY, WRITES, Write
from .test_injected_faults import LOBBY, ROOM, THERMOSTAT, furnish

pytestmark = pytest.mark.usefixtures("blobs")

FAULTS = ["lost", "lost=503", "error=500"]
"""No answer to what was done, an error instead of one, and an error where nothing was done."""

RPCS = {method.name for method in METHODS}
READS = {
    "GetDigitalTwin",
    "GetComponent",
    "BatchGetDigitalTwins",
    "GetRelationship",
    "ListRelationships",
    "ListIncomingRelationships",
    "GetModel",
    "ListModels",
    "QueryTwins",
    "StreamQueryTwins",
    "GetEventRoute",
    "ListEventRoutes",
    "Watch",
    "GetChangeLog",
    "GetImportJob",
    "ListImportJobs",
    "GetDeleteJob",
    "ListDeleteJobs",
    "ExportGraph",
    "CheckPermissions",
}


def test_every_rpc_that_writes_loses_an_answer_here():
    assert {write.rpc for write in [*WRITES, *TELEMETRY]} == RPCS - READS
    assert READS <= RPCS


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_a_lost_answer_is_settled(write: Write, fault: str):
    async with serving() as house:
        await furnish(house.client)
        await write.prepare(house.client)
        called = house.counted("grpc_server_started_total", grpc_method=write.rpc)
        house.inject(write.faults(fault))
        assert await write.call(house.client)
        assert house.counted("grpc_server_started_total", grpc_method=write.rpc) == called + 1
        assert house.counted("twinfront_settled_writes_total") == len(write.operations.split())
        assert not house.counted("twinfront_settled_writes_total", outcome="unknown")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", TELEMETRY, ids=str)
async def test_telemetry_leaves_nothing_to_look_at(write: Write, fault: str):
    async with serving() as house:
        await furnish(house.client)
        house.inject(write.faults(fault))
        with pytest.raises(OutcomeUnknownError):
            await write.call(house.client)


async def test_a_true_refusal_is_still_one():
    async with serving() as house:
        await furnish(house.client)
        house.inject("error=503:on=patch_digital_twin:count=1")
        with pytest.raises(ValidationFailedError):
            await house.client.update_digital_twin("lobby", patch().replace("/temperature", "warm"))
        house.inject("error=503:on=patch_digital_twin:count=1")
        with pytest.raises(TwinNotFoundError):
            await house.client.update_digital_twin("nowhere", patch().replace("/temperature", 1.5))


async def test_an_outage_that_lasts_leaves_the_outcome_unknown():
    async with serving() as house:
        await furnish(house.client)
        house.inject("error=503")
        with pytest.raises(OutcomeUnknownError):
            await house.client.update_digital_twin("lobby", patch().replace("/temperature", 1.5), timeout=3.0)


async def test_writers_who_lose_many_answers_lose_no_update():
    """Each adds one to a number under its etag: what is acknowledged is there exactly once."""
    async with serving() as house:
        client = house.client
        await client.create_models([THERMOSTAT, ROOM])
        for number in range(4):
            await client.create_or_replace_digital_twin(f"room-{number}", {**LOBBY, "temperature": 0})
        house.inject("lost=503:on=patch_digital_twin:rate=0.3,error=503:on=patch_digital_twin:rate=0.2")

        async def add(room: str) -> int:
            """The only writer of its room, so that every conflict would be with itself."""
            acknowledged = 0
            for _ in range(25):
                twin = await client.get_digital_twin(room)
                try:
                    await client.update_digital_twin(
                        room, patch().replace("/temperature", twin["temperature"] + 1), if_match=twin.etag
                    )
                except EtagMismatchError as error:
                    pytest.fail(f"a conflict with nobody: {error}")
                except OutcomeUnknownError:
                    continue
                acknowledged += 1
            return acknowledged

        rooms = [f"room-{number}" for number in range(4)]
        acknowledged = await asyncio.gather(*map(add, rooms))
        assert [(await client.get_digital_twin(room))["temperature"] for room in rooms] == list(acknowledged)
        assert sum(acknowledged) > 90
