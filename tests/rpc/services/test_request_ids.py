"""A write that is repeated under its `request_id` is not done again, whatever it is."""

import grpc.aio
import pytest

from .building import Building
from .refusal import refused, refused_field
from .writes import DONE, REFUSED, WARMER, Write, furnish, state, twin


@pytest.fixture
async def furnished(building: Building) -> Building:
    await furnish(building)
    return building


@pytest.mark.parametrize("write", DONE.values(), ids=DONE)
async def test_a_repeated_write_gets_the_first_ones_answer(furnished: Building, write: Write):
    first = await write.run(furnished, request_id="id")
    done = await state(furnished)
    assert await write.run(furnished, request_id="id") == first
    assert await state(furnished) == done


@pytest.mark.parametrize(("write", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_repeated_write_gets_the_first_ones_error(furnished: Building, write: Write, reason: str):
    first, again = [await refused(write.run(furnished, request_id="id")) for _ in range(2)]
    assert (again.reason, again.message, again.metadata) == (reason, first.message, first.metadata)
    assert [str(detail) for detail in again.details] == [str(detail) for detail in first.details]


async def test_an_error_stays_what_it_was_when_its_cause_is_gone(furnished: Building):
    write = twin("UpdateDigitalTwin", digital_twin_id="new", patch=[WARMER], request_id="id")
    await refused(write.run(furnished))
    await furnished.add_room("new", temperature=1.0)
    assert (await refused(write.run(furnished))).reason == "TWIN_NOT_FOUND"
    await write.run(furnished, request_id="another")


async def test_methods_have_ids_of_their_own(furnished: Building):
    await twin("UpdateDigitalTwin", patch=[WARMER], request_id="id").run(furnished)
    await twin("DeleteDigitalTwin", digital_twin_id="lonely", request_id="id").run(furnished)


async def test_another_request_needs_another_id(furnished: Building):
    write = twin("UpdateDigitalTwin", patch=[WARMER], request_id="id")
    await write.run(furnished)
    assert await refused_field(write.run(furnished, if_match="*")) == "request_id"


@pytest.mark.parametrize("write", DONE.values(), ids=DONE)
async def test_an_id_that_is_none_is_refused(furnished: Building, write: Write):
    before = await state(furnished)
    assert await refused_field(write.run(furnished, request_id="a\nb")) == "request_id"
    assert await state(furnished) == before


async def test_a_dry_run_is_told_anew_each_time(furnished: Building):
    write = twin("DeleteDigitalTwin", digital_twin_id="lonely", request_id="id")
    await write.run(furnished, validate_only=True)
    await write.run(furnished)
    assert (await refused(write.run(furnished, validate_only=True))).reason == "TWIN_NOT_FOUND"
    await write.run(furnished)


async def test_the_replay_is_marked(furnished: Building):
    request = twin("UpdateDigitalTwin", patch=[WARMER], request_id="id").request
    marks = []
    for _ in range(2):
        call = furnished.twins.UpdateDigitalTwin(request)
        await call
        assert isinstance(call, grpc.aio.Call)
        marks.append(dict(await call.trailing_metadata() or ()).get("twinfront-replayed"))
    assert marks == [None, "true"]
