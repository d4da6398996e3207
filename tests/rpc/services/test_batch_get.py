"""Reading many twins with one call."""

from typing import Any

import grpc
import orjson
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.representation_pb2 import Representation, View
from twinfront_server.settings import Settings

from .building import Building
from .refusal import refused, refused_field


async def _get(building: Building, *ids: str, **fields: Any) -> twins.BatchGetDigitalTwinsResponse:
    request = twins.BatchGetDigitalTwinsRequest(digital_twin_ids=ids, **fields)
    response: twins.BatchGetDigitalTwinsResponse = await building.twins.BatchGetDigitalTwins(request)
    return response


async def test_twins_come_in_the_order_of_the_request_each_once_and_missing_ones_are_named(building: Building):
    for name in ("a", "b", "c"):
        await building.add_room(name, note=name)
    response = await _get(building, "c", "nobody", "a", "c", "no one", "b", "nobody")
    assert list(response.digital_twins) == [await building.read(name) for name in ("c", "a", "b")]
    assert list(response.missing_digital_twin_ids) == ["nobody", "no one"]


async def test_a_thousand_twins(building: Building):
    await building.add_room("there")
    ids = [f"not there {number}" for number in range(999)]
    response = await _get(building, *ids, "there")
    assert [twin.id for twin in response.digital_twins] == ["there"]
    assert list(response.missing_digital_twin_ids) == ids


async def test_forms_of_the_answer(building: Building):
    await building.add_room("room", note="a")
    (twin,) = (await _get(building, "room", representation=Representation.REPRESENTATION_JSON)).digital_twins
    assert orjson.loads(twin.json) == await building.read_json("room")
    (twin,) = (await _get(building, "room", view=View.VIEW_BASIC)).digital_twins
    assert (dict(twin.property_metadata), twin.etag) == ({}, (await building.read("room")).etag)


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({}, "digital_twin_ids"),
        ({"digital_twin_ids": [str(number) for number in range(1001)]}, "digital_twin_ids"),
        ({"digital_twin_ids": ["a", "b", "c", ""]}, "digital_twin_ids[3]"),
        ({"digital_twin_ids": ["a", "\x00"]}, "digital_twin_ids[1]"),
        ({"digital_twin_ids": ["a", ".."]}, "digital_twin_ids[1]"),
        ({"digital_twin_ids": ["x" * 3000]}, "digital_twin_ids[0]"),
        ({"digital_twin_ids": ["a", "a", "x" * 129, "b"]}, "digital_twin_ids[2]"),
        ({"digital_twin_ids": ["a", "a/b"]}, "digital_twin_ids[1]"),
        ({"digital_twin_ids": ["a"], "representation": 9}, "representation"),
        ({"digital_twin_ids": ["a"], "view": 9}, "view"),
    ],
)
async def test_requests_of_no_ids_too_many_or_bad_ones_are_refused(
    building: Building, request_fields: dict[str, Any], field: str
):
    request = twins.BatchGetDigitalTwinsRequest(**request_fields)
    assert await refused_field(building.twins.BatchGetDigitalTwins(request)) == field


class TestLargeAnswers:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(max_response_bytes=20_000)

    @pytest.mark.parametrize(
        "representation", [Representation.REPRESENTATION_TYPED, Representation.REPRESENTATION_JSON]
    )
    async def test_twins_that_are_more_than_a_response_may_have_are_refused(
        self, building: Building, representation: Representation.ValueType
    ):
        for number in range(10):
            await building.add_room(str(number), note="x" * 3000)
        ids = [str(number) for number in range(10)]
        error = await refused(_get(building, *ids, representation=representation))
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED")
        assert len((await _get(building, *ids[:5], representation=representation)).digital_twins) == 5

    async def test_missing_ids_count_towards_the_size_of_the_response(self, building: Building):
        ids = [f"{number:0100}" for number in range(400)]
        assert (await refused(_get(building, *ids))).reason == "LIMIT_REACHED"
        assert len((await _get(building, *ids[:100])).missing_digital_twin_ids) == 100
