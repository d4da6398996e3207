"""Handle conflicting update calls."""

import asyncio

import pytest

from twinfront import AsyncTwinfrontClient, DigitalTwin, EtagMismatchError, patch

from .models import MODELS, ROOM


@pytest.fixture
async def room(client: AsyncTwinfrontClient) -> DigitalTwin:
    await client.create_models(MODELS)
    return await client.create_or_replace_digital_twin(
        "twin-1", DigitalTwin(model_id=ROOM["@id"], properties={"visitors": 0})
    )


async def test_calls_that_arrive_together_are_all_applied_one_after_the_other(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    await client.create_or_replace_digital_twin("twin-2", DigitalTwin(model_id=room.model_id))
    etags = await asyncio.gather(
        client.update_digital_twin("twin-1", patch().add("/temperature", 20)),
        client.update_digital_twin("twin-1", patch().add("/humidity", 40)),
        client.update_digital_twin("twin-2", patch().add("/temperature", 21)),
    )
    first, second = await client.get_digital_twin("twin-1"), await client.get_digital_twin("twin-2")
    assert first.properties == {"visitors": 0, "temperature": 20, "humidity": 40}
    assert second.properties == {"temperature": 21}
    assert len(set(etags)) == 3
    assert first.etag in etags[:2]


async def test_many_writers_of_one_property_need_no_lock(client: AsyncTwinfrontClient, room: DigitalTwin):
    etags = await asyncio.gather(
        *(client.update_digital_twin(room.id, patch().replace("/visitors", n)) for n in range(50))
    )
    twin = await client.get_digital_twin("twin-1")
    assert len(set(etags)) == 50
    assert etags[twin["visitors"]] == twin.etag


async def test_of_two_writers_that_read_the_same_state_the_second_is_told(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    current = await client.update_digital_twin("twin-1", patch().replace("/visitors", 1), if_match=room.etag)
    with pytest.raises(EtagMismatchError) as raised:
        await client.update_digital_twin("twin-1", patch().replace("/visitors", 2), if_match=room.etag)
    assert (raised.value.expected_etag, raised.value.current_etag) == (room.etag, current)
    assert (await client.get_digital_twin("twin-1"))["visitors"] == 1
    await client.update_digital_twin("twin-1", patch().replace("/visitors", 2), if_match=raised.value.current_etag)


async def test_read_modify_write_with_retries_loses_no_update(client: AsyncTwinfrontClient, room: DigitalTwin):
    async def count() -> None:
        await client.update_with_retry(
            room.id, lambda twin: patch().replace("/visitors", twin["visitors"] + 1), attempts=50
        )

    await asyncio.gather(*(count() for _ in range(10)))
    assert (await client.get_digital_twin("twin-1"))["visitors"] == 10
