"""Lists, page by page."""

from typing import Any

import grpc
import pytest

from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.representation_pb2 import Representation

from .building import MODELS, Building, interface
from .refusal import fields, refused

COUNT = 25
IDS = sorted(f"r{number:02}" for number in range(COUNT))


@pytest.fixture
async def connected(building: Building) -> Building:
    """With 25 relationships from a room to another."""
    await building.add_room("a")
    await building.add_room("b")
    for relationship_id in IDS:
        await building.connect("a", relationship_id, "b")
    return building


async def _pages(method: Any, request: Any, member: str) -> list[list[Any]]:
    pages = []
    while True:
        response = await method(request)
        pages.append(list(getattr(response, member)))
        if not response.next_page_token:
            return pages
        request.page_token = response.next_page_token


@pytest.mark.parametrize("size", [1, 7, 10, 12, 24, 25, 26, 1000, 2**31 - 1])
async def test_pages_have_the_size_asked_for_and_every_item_once(connected: Building, size: int):
    request = relationships.ListRelationshipsRequest(digital_twin_id="a", page_size=size)
    pages = await _pages(connected.relationships.ListRelationships, request, "relationships")
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= size
    assert [item.id for page in pages for item in page] == IDS


async def test_incoming_relationships_page_alike(connected: Building):
    request = relationships.ListIncomingRelationshipsRequest(digital_twin_id="b", page_size=7)
    pages = await _pages(connected.relationships.ListIncomingRelationships, request, "incoming_relationships")
    assert [len(page) for page in pages] == [7, 7, 7, 4]
    assert sorted(item.relationship_id for page in pages for item in page) == IDS


async def test_models_page_alike(building: Building):
    pages = await _pages(building.models.ListModels, models.ListModelsRequest(page_size=3), "models")
    assert [len(page) for page in pages] == [3, 1]
    assert {item.id for page in pages for item in page} == set(MODELS)


async def test_without_a_size_a_page_has_a_hundred(building: Building):
    texts = [interface(f"dtmi:example:many:M{number};1", []) for number in range(120)]
    await building.models.CreateModels(models.CreateModelsRequest(dtdl_models=texts))
    pages = await _pages(building.models.ListModels, models.ListModelsRequest(), "models")
    assert [len(page) for page in pages] == [100, 24]


async def test_the_size_may_change_from_page_to_page(connected: Building):
    request = relationships.ListRelationshipsRequest(digital_twin_id="a", page_size=3)
    first = await connected.relationships.ListRelationships(request)
    request.page_token, request.page_size = first.next_page_token, 100
    second = await connected.relationships.ListRelationships(request)
    assert [item.id for item in (*first.relationships, *second.relationships)] == IDS


async def test_a_filter_by_name_holds_on_every_page(connected: Building):
    request = relationships.ListRelationshipsRequest(digital_twin_id="a", relationship_name="adjacentTo", page_size=9)
    pages = await _pages(connected.relationships.ListRelationships, request, "relationships")
    assert [item.id for page in pages for item in page] == IDS
    request = relationships.ListRelationshipsRequest(digital_twin_id="a", relationship_name="unknown")
    assert await _pages(connected.relationships.ListRelationships, request, "relationships") == [[]]


async def test_deletions_between_pages_leave_the_rest_in_place(connected: Building):
    request = relationships.ListRelationshipsRequest(digital_twin_id="a", page_size=10)
    first = await connected.relationships.ListRelationships(request)
    for relationship in first.relationships:
        await connected.relationships.DeleteRelationship(
            relationships.DeleteRelationshipRequest(digital_twin_id="a", relationship_id=relationship.id)
        )
    request.page_token = first.next_page_token
    rest = await _pages(connected.relationships.ListRelationships, request, "relationships")
    assert [item.id for page in rest for item in page] == IDS[10:]


@pytest.mark.parametrize(
    "other",
    [
        relationships.ListRelationshipsRequest(digital_twin_id="b"),
        relationships.ListRelationshipsRequest(digital_twin_id="a", relationship_name="adjacentTo"),
        relationships.ListRelationshipsRequest(digital_twin_id="a", representation=Representation.REPRESENTATION_JSON),
    ],
)
async def test_a_token_from_another_request_is_refused(
    connected: Building, other: relationships.ListRelationshipsRequest
):
    request = relationships.ListRelationshipsRequest(digital_twin_id="a", page_size=10)
    first = await connected.relationships.ListRelationships(request)
    changed = relationships.ListRelationshipsRequest()
    changed.CopyFrom(other)
    changed.page_token = first.next_page_token
    error = await refused(connected.relationships.ListRelationships(changed))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
    assert fields(error) == ["page_token"]


async def test_a_token_from_another_rpc_is_refused(connected: Building):
    request = relationships.ListRelationshipsRequest(digital_twin_id="a", page_size=10)
    first = await connected.relationships.ListRelationships(request)
    other = relationships.ListIncomingRelationshipsRequest(digital_twin_id="a", page_token=first.next_page_token)
    error = await refused(connected.relationships.ListIncomingRelationships(other))
    assert (error.reason, fields(error)) == ("PAGE_TOKEN_INVALID", ["page_token"])


@pytest.mark.parametrize("token", ["garbage", "ä", "AAAA", "=", "x" * 10_000])
async def test_a_token_that_is_none_is_refused(building: Building, token: str):
    error = await refused(building.models.ListModels(models.ListModelsRequest(page_token=token)))
    assert (error.reason, fields(error)) == ("PAGE_TOKEN_INVALID", ["page_token"])


@pytest.mark.parametrize("size", [-1, -(2**31)])
async def test_a_negative_size_is_refused(building: Building, size: int):
    error = await refused(building.models.ListModels(models.ListModelsRequest(page_size=size)))
    assert (error.reason, fields(error)) == ("INVALID_ARGUMENT", ["page_size"])


async def test_the_lists_of_a_twin_that_is_not_there(building: Building):
    outgoing = relationships.ListRelationshipsRequest(digital_twin_id="nobody")
    incoming = relationships.ListIncomingRelationshipsRequest(digital_twin_id="nobody")
    assert (await refused(building.relationships.ListRelationships(outgoing))).reason == "TWIN_NOT_FOUND"
    assert (await refused(building.relationships.ListIncomingRelationships(incoming))).reason == "TWIN_NOT_FOUND"
