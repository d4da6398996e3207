"""Callers who lose the answers to writes under a condition, and find that somebody else has written the same."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from twinfront import (
    AlreadyExistsError,
    EtagMismatchError,
    OutcomeUnknownError,
    TwinNotFoundError,
    patch,
)

from .house import serving
from .lost_writes import Client, add_lift, door_etag, ended_job, etag_of
from .test_injected_faults import DOOR, LOBBY, furnish

pytestmark = pytest.mark.usefixtures("blobs")

FAULTS = ["lost", "lost=503", "error=500"]
Create = Callable[[Client], Awaitable[object]]


async def create_attic(client: Client) -> None:
    await client.create_or_replace_digital_twin("attic", LOBBY, if_none_match=True)


async def create_gate(client: Client) -> None:
    await client.create_or_replace_relationship("lobby", "gate", DOOR, if_none_match=True)


async def create_job(client: Client) -> None:
    await client.create_import_job("old", "file:in.ndjson", "file:out.ndjson")


async def delete_everything(client: Client) -> None:
    job = await client.create_delete_job("all")
    while not job.finished:
        job = await client.get_delete_job("all")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("operation", "first", "again"),
    [
        ("put_digital_twin", create_attic, create_attic),
        ("put_relationship", create_gate, create_gate),
        ("post_models", add_lift, add_lift),
        ("put_import_job", ended_job, create_job),
        ("post_delete_job", delete_everything, delete_everything),
    ],
)
async def test_what_another_created_the_same_is_not_mistaken_for_ones_own(
    operation: str, first: Create, again: Create, fault: str
):
    async with serving() as house:
        await furnish(house.client)
        await first(house.client)
        house.inject(f"{fault}:on={operation}:count=1")
        with pytest.raises(AlreadyExistsError):
            await again(house.client)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("temperature", [7.5, 8.5])
async def test_what_another_wrote_to_a_twin_is_not_mistaken_for_ones_own(temperature: float, fault: str):
    async with serving() as house:
        await furnish(house.client)
        etag = await etag_of(house.client)
        await house.client.update_digital_twin("lobby", patch().replace("/temperature", 7.5))
        house.inject(f"{fault}:on=patch_digital_twin:count=1")
        with pytest.raises(EtagMismatchError):
            await house.client.update_digital_twin("lobby", patch().replace("/temperature", temperature), if_match=etag)
        assert (await house.client.get_digital_twin("lobby"))["temperature"] == 7.5


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_another_wrote_to_a_component_is_not_mistaken_for_ones_own(fault: str):
    async with serving() as house:
        await furnish(house.client)
        etag = await etag_of(house.client)
        warmer = patch().add("/setpoint", 30.5)
        await house.client.update_component("lobby", "thermostat", warmer, if_match=etag)
        house.inject(f"{fault}:on=patch_component:count=1")
        with pytest.raises(EtagMismatchError):
            await house.client.update_component("lobby", "thermostat", warmer, if_match=etag)


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_another_wrote_to_a_relationship_is_not_mistaken_for_ones_own(fault: str):
    async with serving() as house:
        await furnish(house.client)
        etag = await door_etag(house.client)
        wider = patch().replace("/width", 1.5)
        await house.client.update_relationship("lobby", "door", wider, if_match=etag)
        house.inject(f"{fault}:on=patch_relationship:count=1")
        with pytest.raises(EtagMismatchError):
            await house.client.update_relationship("lobby", "door", wider, if_match=etag)


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_another_put_in_a_twins_place_is_not_mistaken_for_ones_own(fault: str):
    async with serving() as house:
        await furnish(house.client)
        etag = await etag_of(house.client)
        await house.client.create_or_replace_digital_twin("lobby", {**LOBBY, "temperature": 5})
        house.inject(f"{fault}:on=patch_digital_twin:count=1")
        with pytest.raises(EtagMismatchError):
            await house.client.create_or_replace_digital_twin("lobby", {**LOBBY, "temperature": 5}, if_match=etag)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("same_condition", [True, False])
async def test_what_another_deleted_is_not_mistaken_for_ones_own_deed(same_condition: bool, fault: str):
    async with serving() as house:
        await furnish(house.client)
        etag = await etag_of(house.client, "library")
        await house.client.delete_relationship("lobby", "door")
        await house.client.delete_digital_twin("library", if_match=etag if same_condition else None)
        house.inject(f"{fault}:on=delete_digital_twin:count=1")
        # The other may have deleted another version than this one wanted to, after this one.
        with pytest.raises(TwinNotFoundError if same_condition else OutcomeUnknownError):
            await house.client.delete_digital_twin("library", if_match=etag)


async def test_a_patch_of_a_twin_that_another_deleted_may_have_come_before():
    async with serving() as house:
        await furnish(house.client)
        etag = await etag_of(house.client, "library")
        await house.client.delete_relationship("lobby", "door")
        await house.client.delete_digital_twin("library")
        house.inject("lost=503:on=patch_digital_twin:count=1")
        with pytest.raises(OutcomeUnknownError):
            await house.client.update_digital_twin("library", patch().replace("/temperature", 1.5), if_match=etag)


async def test_without_a_condition_it_does_not_matter_who_did_it():
    async with serving() as house:
        await furnish(house.client)
        await house.client.delete_relationship("lobby", "door")
        house.inject("error=503:on=writes:count=1")
        await house.client.delete_relationship("lobby", "door")


async def test_what_was_there_before_is_no_proof_even_without_a_condition():
    """The write may still be on its way, and makes another version when it lands."""
    async with serving() as house:
        await furnish(house.client)
        warmer = patch().replace("/temperature", 7.5)
        before = await house.client.update_digital_twin("lobby", warmer)
        house.inject("error=503:on=writes:count=1")
        etag = await house.client.update_digital_twin("lobby", warmer)
        assert before != etag == await etag_of(house.client, "lobby")
        house.inject("error=503:on=put_relationship:count=1")
        door = await house.client.create_or_replace_relationship("lobby", "door", DOOR)
        assert door.etag == (await house.client.get_relationship("lobby", "door")).etag
        assert house.counted("twinfront_settled_writes_total", outcome="repeated") == 2


async def test_merges_are_settled_by_what_they_bring_about():
    async with serving() as house:
        await furnish(house.client)
        for temperature in range(30):
            house.inject("lost=503:on=patch_digital_twin")
            merges = [house.client.merge_digital_twin("lobby", {"temperature": temperature}) for _ in range(2)]
            await asyncio.gather(*merges)
            assert (await house.client.get_digital_twin("lobby"))["temperature"] == temperature
