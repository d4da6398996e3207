"""A dry run says what a write would end in, error or answer, and changes nothing."""

import json

import orjson
import pytest
from google.protobuf.message import Message
from tests.contract_services import SERVICES

from twinfront.v1 import model_service_pb2 as models
from twinfront.v1.digital_twin_pb2 import DigitalTwin

from .building import Building, interface, value
from .refusal import refused
from .writes import DONE, REFUSED, WARMER, Write, furnish, state, twin


@pytest.fixture
async def furnished(building: Building) -> Building:
    await furnish(building)
    return building


def etags(message: Message) -> list[str]:
    """All etags that a response names, in its fields and in JSON."""
    found = []
    for field, item in message.ListFields():
        if field.name == "etag":
            found.append(item)
        elif field.name == "json":
            found += [json.loads(item)["$etag"]] if "$etag" in json.loads(item) else []
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in item if field.is_repeated else (item,):
                found += etags(part)
    return found


def timeless(message: Message) -> Message:
    """The message without etags and times, which no two writes have in common."""
    for field, item in message.ListFields():
        if field.name in {"etag", "last_update_time", "upload_time", "property_metadata"}:
            message.ClearField(field.name)
        elif field.name == "json":
            document = {name: member for name, member in json.loads(item).items() if name not in {"$etag", "$metadata"}}
            document.pop("thermostat", None)
            message.json = orjson.dumps(document)  # type: ignore[attr-defined]
        elif field.name == "components":
            for component in item.values():
                timeless(component)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in item if field.is_repeated else (item,):
                timeless(part)
    return message


@pytest.mark.parametrize("write", DONE.values(), ids=DONE)
async def test_a_dry_run_answers_as_the_write_does_and_changes_nothing(furnished: Building, write: Write):
    before = await state(furnished)
    rehearsed = await write.run(furnished, validate_only=True)
    assert await state(furnished) == before
    assert etags(rehearsed) == []
    done = await write.run(furnished, validate_only=False)
    assert timeless(done) == timeless(rehearsed)
    assert await state(furnished) != before


@pytest.mark.parametrize(("write", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_dry_run_is_refused_as_the_write_is(furnished: Building, write: Write, reason: str):
    before = await state(furnished)
    rehearsed = await refused(write.run(furnished, validate_only=True))
    assert rehearsed.reason == reason
    done = await refused(write.run(furnished, validate_only=False))
    assert (done.code, done.reason, done.message, done.metadata) == (
        *(rehearsed.code, rehearsed.reason, rehearsed.message, rehearsed.metadata),
    )
    assert await state(furnished) == before


def test_every_write_that_can_be_tried_is_tried_here():
    tried = {write.method for write in DONE.values()}
    assert tried == {
        method.name
        for service in SERVICES
        for method in service.methods
        if "validate_only" in method.input_type.fields_by_name
    }


def test_every_write_with_a_dry_run_takes_a_request_id():
    tried, repeated = (
        {
            method.full_name
            for service in SERVICES
            for method in service.methods
            if field in method.input_type.fields_by_name
        }
        for field in ("validate_only", "request_id")
    )
    assert tried == repeated != set()


async def test_writes_around_a_dry_run_are_done(furnished: Building):
    """The dry run is a property of its call, and of no other."""
    warm = twin("UpdateDigitalTwin", patch=[WARMER])
    etag = (await warm.run(furnished, validate_only=False)).etag
    assert (await warm.run(furnished, validate_only=True)).etag == ""
    assert (await furnished.read("room")).etag == etag
    assert (await warm.run(furnished, validate_only=False)).etag not in {"", etag}


async def test_a_property_called_etag_is_nobodys_etag(furnished: Building):
    contents = [{"@type": "Property", "name": name, "schema": "string"} for name in ("etag", "json")]
    odd = interface("dtmi:example:building:Odd;1", contents)
    request = models.CreateModelsRequest(dtdl_models=[odd])
    await furnished.models.CreateModels(request)
    document = DigitalTwin(
        model_id="dtmi:example:building:Odd;1", properties={"etag": value("mine"), "json": value("{}")}
    )
    write = twin("CreateOrReplaceDigitalTwin", digital_twin_id="new", digital_twin=document)
    answered = (await write.run(furnished, validate_only=True)).digital_twin
    assert {name: item.string_value for name, item in answered.properties.items()} == {"etag": "mine", "json": "{}"}
