"""The clients against a real server: the life of twins, relationships and models."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

import twinfront
from twinfront import (
    AsyncTwinfrontClient,
    BlockingRelationship,
    Component,
    DigitalTwin,
    PropertyMetadata,
    Relationship,
    Timestamp,
    patch,
)


def interface(model_id: str, *contents: dict[str, Any]) -> dict[str, Any]:
    return {"@context": "dtmi:dtdl:context;3", "@id": model_id, "@type": "Interface", "contents": list(contents)}


def prop(name: str, schema: Any) -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema, "writable": True}


THERMOSTAT = interface("dtmi:example:Thermostat;1", prop("setpoint", "double"))
ADDRESS = {"@type": "Object", "fields": [{"name": "city", "schema": "string"}, {"name": "zip", "schema": "integer"}]}
ROOM_CONTENTS = (
    prop("temperature", "double"),
    prop("visitors", "long"),
    prop("address", ADDRESS),
    {"@type": "Component", "name": "thermostat", "schema": "dtmi:example:Thermostat;1"},
    {"@type": "Relationship", "name": "opensTo", "properties": [prop("width", "double")], "writable": True},
    {"@type": "Relationship", "name": "adjoins"},
)
ROOM = interface("dtmi:example:Room;1", *ROOM_CONTENTS)
ROOM_2 = interface("dtmi:example:Room;2", *ROOM_CONTENTS, prop("co2", "integer"))


@pytest.fixture
async def rooms(client: AsyncTwinfrontClient) -> AsyncTwinfrontClient:
    """A client of a server that knows rooms."""
    await client.create_models([THERMOSTAT, ROOM, ROOM_2])
    return client


def room(**properties: Any) -> DigitalTwin:
    return DigitalTwin(
        model_id="dtmi:example:Room;1", properties=properties, components={"thermostat": Component({"setpoint": 20})}
    )


async def test_a_twin_comes_back_as_it_was_written(rooms: AsyncTwinfrontClient) -> None:
    written = await rooms.create_or_replace_digital_twin(
        "room-1", room(temperature=21.0, visitors=2**63 - 1, address={"city": "Zürich", "zip": 8001})
    )
    read = await rooms.get_digital_twin("room-1")
    assert read == written
    assert read.properties == {"temperature": 21.0, "visitors": 2**63 - 1, "address": {"city": "Zürich", "zip": 8001}}
    assert isinstance(read["temperature"], float)
    assert isinstance(read.components["thermostat"]["setpoint"], int)
    assert read.last_update_time is not None
    assert read.property_metadata["visitors"].last_update_time is not None


async def test_a_mapping_in_the_json_form_does_as_well(rooms: AsyncTwinfrontClient) -> None:
    twin = await rooms.create_or_replace_digital_twin("room-1", room(temperature=21).to_dict())
    assert twin["temperature"] == 21


async def test_a_twin_that_was_read_can_be_written_back(rooms: AsyncTwinfrontClient) -> None:
    observed = Timestamp("2024-05-01T11:59:58.1234567Z")
    first = room(temperature=21)
    first.property_metadata["temperature"] = PropertyMetadata(source_time=observed)
    read = await rooms.create_or_replace_digital_twin("room-1", first)
    read.properties["temperature"] = 22
    again = await rooms.create_or_replace_digital_twin("room-1", read)
    assert again["temperature"] == 22
    assert again.etag != read.etag
    assert again.property_metadata["temperature"].source_time == observed


async def test_a_twin_is_only_created_if_there_is_none(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room(), if_none_match=True)
    with pytest.raises(twinfront.AlreadyExistsError) as caught:
        await rooms.create_or_replace_digital_twin("room-1", room(), if_none_match=True)
    assert caught.value.reason == "TWIN_ALREADY_EXISTS"
    assert caught.value.metadata["digital_twin_id"] == "room-1"


async def test_the_basic_view_has_no_metadata_of_properties(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room(temperature=21))
    twin = await rooms.get_digital_twin("room-1", view="basic")
    assert twin["temperature"] == 21
    assert twin.property_metadata == {}
    assert twin.components["thermostat"]["setpoint"] == 20
    assert twin.components["thermostat"].property_metadata == {}


async def test_a_patch_answers_the_new_etag(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room(temperature=21))
    etag = await rooms.update_digital_twin("room-1", patch().replace("/temperature", 22).add("/visitors", 3))
    twin = await rooms.get_digital_twin("room-1")
    assert (twin.etag, twin["temperature"], twin["visitors"]) == (etag, 22, 3)


async def test_a_raw_json_patch_does_as_well(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room(temperature=21))
    await rooms.update_digital_twin("room-1", [{"op": "remove", "path": "/temperature"}])
    assert "temperature" not in await rooms.get_digital_twin("room-1")


async def test_a_member_of_an_object_is_patched_by_its_segments(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room(address={"city": "Bern", "zip": 3011}))
    await rooms.update_digital_twin("room-1", patch().replace(("address", "city"), "Biel"))
    assert (await rooms.get_digital_twin("room-1"))["address"] == {"city": "Biel", "zip": 3011}


async def test_a_twin_migrates_with_what_the_new_model_has(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room())
    await rooms.update_digital_twin("room-1", patch().migrate("dtmi:example:Room;2").add("/co2", 600))
    twin = await rooms.get_digital_twin("room-1")
    assert (twin.model_id, twin["co2"]) == ("dtmi:example:Room;2", 600)


async def test_source_times_are_recorded_on_twin_and_component(rooms: AsyncTwinfrontClient) -> None:
    observed = datetime(2024, 5, 1, 11, 59, 58, 123456, tzinfo=UTC)
    await rooms.create_or_replace_digital_twin("room-1", room(temperature=21))
    await rooms.update_digital_twin(
        "room-1",
        patch().source_time("temperature", observed).source_time("setpoint", observed, component="thermostat"),
    )
    twin = await rooms.get_digital_twin("room-1")
    for entry in (twin.property_metadata["temperature"], twin.components["thermostat"].property_metadata["setpoint"]):
        assert entry.source_time is not None
        assert entry.source_time.to_datetime() == observed


async def test_a_component_is_read_and_patched_by_itself(rooms: AsyncTwinfrontClient) -> None:
    twin = await rooms.create_or_replace_digital_twin("room-1", room())
    component = await rooms.get_component("room-1", "thermostat")
    assert (component["setpoint"], component.etag) == (20, twin.etag)
    etag = await rooms.update_component(
        "room-1", "thermostat", patch().replace("/setpoint", 19.5), if_match=component.etag
    )
    component = await rooms.get_component("room-1", "thermostat")
    assert (component["setpoint"], component.etag) == (19.5, etag)


async def test_two_writers_on_one_twin(rooms: AsyncTwinfrontClient) -> None:
    seen = await rooms.create_or_replace_digital_twin("room-1", room(visitors=1))
    current = await rooms.update_digital_twin("room-1", patch().replace("/visitors", 2), if_match=seen.etag)
    with pytest.raises(twinfront.EtagMismatchError) as caught:
        await rooms.update_digital_twin("room-1", patch().replace("/visitors", 5), if_match=seen.etag)
    assert (caught.value.expected_etag, caught.value.current_etag) == (seen.etag, current)
    assert caught.value.resource == "digitaltwins/room-1"
    await rooms.update_with_retry("room-1", lambda twin: patch().replace("/visitors", twin["visitors"] + 1))
    assert (await rooms.get_digital_twin("room-1"))["visitors"] == 3


async def test_no_write_of_many_at_once_is_lost(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room(visitors=0))
    await asyncio.gather(
        *(
            rooms.update_with_retry(
                "room-1", lambda twin: patch().replace("/visitors", twin["visitors"] + 1), attempts=50
            )
            for _ in range(8)
        )
    )
    assert (await rooms.get_digital_twin("room-1"))["visitors"] == 8


async def test_a_delete_under_an_old_etag_is_refused(rooms: AsyncTwinfrontClient) -> None:
    seen = await rooms.create_or_replace_digital_twin("room-1", room())
    await rooms.update_digital_twin("room-1", [])
    with pytest.raises(twinfront.EtagMismatchError):
        await rooms.delete_digital_twin("room-1", if_match=seen.etag)
    await rooms.delete_digital_twin("room-1", if_match="*")
    with pytest.raises(twinfront.TwinNotFoundError):
        await rooms.get_digital_twin("room-1")


async def test_relationships_block_a_delete_until_they_are_gone(rooms: AsyncTwinfrontClient) -> None:
    for twin_id in ("room-1", "room-2"):
        await rooms.create_or_replace_digital_twin(twin_id, room())
    door = Relationship(target_id="room-2", name="opensTo")
    await rooms.create_or_replace_relationship("room-1", "door", door)
    await rooms.create_or_replace_relationship("room-2", "wall", Relationship(target_id="room-1", name="adjoins"))
    with pytest.raises(twinfront.TwinHasRelationshipsError) as caught:
        await rooms.delete_digital_twin("room-1")
    assert caught.value.outgoing == [BlockingRelationship("door", "room-1", "room-2", "opensTo")]
    assert caught.value.incoming == [BlockingRelationship("wall", "room-2", "room-1", "adjoins")]
    assert (caught.value.outgoing_total, caught.value.incoming_total) == (1, 1)
    await rooms.delete_relationship("room-1", "door")
    await rooms.delete_relationship("room-2", "wall")
    await rooms.delete_digital_twin("room-1")


async def test_the_life_of_a_relationship(rooms: AsyncTwinfrontClient) -> None:
    for twin_id in ("room-1", "room-2"):
        await rooms.create_or_replace_digital_twin(twin_id, room())
    created = await rooms.create_or_replace_relationship(
        "room-1", "door", Relationship(target_id="room-2", name="opensTo", properties={"width": 0.9})
    )
    assert await rooms.get_relationship("room-1", "door") == created
    assert (created.id, created.source_id, created.target_id) == ("door", "room-1", "room-2")
    with pytest.raises(twinfront.AlreadyExistsError):
        await rooms.create_or_replace_relationship("room-1", "door", created, if_none_match=True)
    etag = await rooms.update_relationship("room-1", "door", patch().replace("/width", 1.2), if_match=created.etag)
    changed = await rooms.get_relationship("room-1", "door")
    assert (changed["width"], changed.etag) == (1.2, etag)
    with pytest.raises(twinfront.EtagMismatchError) as caught:
        await rooms.delete_relationship("room-1", "door", if_match=created.etag)
    assert caught.value.resource == "digitaltwins/room-1/relationships/door"
    await rooms.delete_relationship("room-1", "door", if_match=etag)
    with pytest.raises(twinfront.RelationshipNotFoundError):
        await rooms.get_relationship("room-1", "door")


async def test_relationships_are_listed_over_pages(rooms: AsyncTwinfrontClient) -> None:
    for twin_id in ("room-1", "room-2"):
        await rooms.create_or_replace_digital_twin(twin_id, room())
    for number in range(5):
        await rooms.create_or_replace_relationship(
            "room-1", f"door-{number}", Relationship(target_id="room-2", name="opensTo")
        )
    await rooms.create_or_replace_relationship("room-1", "wall", Relationship(target_id="room-2", name="adjoins"))
    every = [entry.id async for entry in rooms.list_relationships("room-1", page_size=2)]
    doors = [entry.id async for entry in rooms.list_relationships("room-1", "opensTo", page_size=2)]
    incoming = [entry.relationship_id async for entry in rooms.list_incoming_relationships("room-2", page_size=4)]
    assert sorted(every) == sorted(incoming) == [*(f"door-{number}" for number in range(5)), "wall"]
    assert sorted(doors) == [f"door-{number}" for number in range(5)]


async def test_a_list_goes_on_from_a_token_and_only_that_list(rooms: AsyncTwinfrontClient) -> None:
    pages = [page async for page in rooms.list_models(page_size=2).pages()]
    assert [len(page) for page in pages] == [2, 1]
    token = pages[0].next_page_token
    rest = [model.id async for page in rooms.list_models(page_size=2).pages(token) for model in page]
    assert rest == ["dtmi:example:Room;2"]
    with pytest.raises(twinfront.PageTokenInvalidError):
        _ = [page async for page in rooms.list_models(include_model_definition=True).pages(token)]


async def test_the_life_of_a_model(rooms: AsyncTwinfrontClient) -> None:
    model = await rooms.get_model("dtmi:example:Room;1", include_model_definition=True)
    assert model.dtdl_model == ROOM
    with pytest.raises(twinfront.AlreadyExistsError):
        await rooms.create_models([ROOM])
    with pytest.raises(twinfront.ModelHasDependentsError):
        await rooms.delete_model("dtmi:example:Thermostat;1")
    await rooms.decommission_model("dtmi:example:Room;1")
    assert (await rooms.get_model("dtmi:example:Room;1")).decommissioned
    with pytest.raises(twinfront.ModelDecommissionedError):
        await rooms.create_or_replace_digital_twin("room-1", room())
    await rooms.delete_model("dtmi:example:Room;1")
    with pytest.raises(twinfront.ModelNotFoundError):
        await rooms.get_model("dtmi:example:Room;1")


async def test_the_models_that_a_model_needs_are_listed(rooms: AsyncTwinfrontClient) -> None:
    needed = [model.id async for model in rooms.list_models(["dtmi:example:Room;1"])]
    assert sorted(needed) == ["dtmi:example:Room;1", "dtmi:example:Thermostat;1"]


async def test_what_is_wrong_is_named(rooms: AsyncTwinfrontClient) -> None:
    with pytest.raises(twinfront.ValidationFailedError) as caught:
        await rooms.create_or_replace_digital_twin("room-1", room(temperature="warm"))
    assert caught.value.field_violations
    assert all("temperature" in violation.description for violation in caught.value.field_violations)


async def test_a_patch_that_leads_nowhere_is_refused_as_a_whole(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room(temperature=21))
    with pytest.raises(twinfront.JsonPatchInvalidError) as caught:
        await rooms.update_digital_twin("room-1", patch().replace("/temperature", 22).replace("/address/city", "Bern"))
    assert [violation.field for violation in caught.value.field_violations] == ["patch[1].path"]
    assert (await rooms.get_digital_twin("room-1"))["temperature"] == 21


async def test_what_is_missing_has_an_error_of_its_own(rooms: AsyncTwinfrontClient) -> None:
    await rooms.create_or_replace_digital_twin("room-1", room())
    with pytest.raises(twinfront.TwinNotFoundError):
        await rooms.update_digital_twin("room-9", [])
    with pytest.raises(twinfront.ComponentNotFoundError):
        await rooms.get_component("room-1", "humidifier")
    with pytest.raises(twinfront.TargetTwinNotFoundError):
        await rooms.create_or_replace_relationship("room-1", "door", Relationship(target_id="x", name="opensTo"))
    with pytest.raises(twinfront.DtdlInvalidError):
        await rooms.create_models([{"@id": "dtmi:example:Nothing;1"}])


async def test_the_callers_call_id_comes_back_with_an_error(rooms: AsyncTwinfrontClient) -> None:
    with pytest.raises(twinfront.TwinNotFoundError) as caught:
        await rooms.get_digital_twin("room-9", metadata=[("twinfront-call-id", "order-4711")])
    assert caught.value.call_id == "order-4711"
