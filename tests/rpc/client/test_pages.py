"""Lists are fetched page by page, as they are read."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from twinfront import AsyncTwinfrontClient, IncomingRelationship, Relationship, TwinfrontError
from twinfront.v1.model_service_pb2 import ListModelsResponse
from twinfront.v1.relationship_service_pb2 import ListIncomingRelationshipsResponse, ListRelationshipsResponse

from .scripted_server import ScriptedServer

PAGES = {"": (["a", "b"], "second"), "second": ([], "third"), "third": (["c"], "")}


def relationships(request: Any, _context: grpc.ServicerContext) -> Message:
    ids, next_page_token = PAGES[request.page_token]
    response = ListRelationshipsResponse(next_page_token=next_page_token)
    for name in ids:
        response.relationships.add(json=f'{{"$relationshipId":"{name}"}}'.encode())
    return response


@pytest.fixture
def client(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> AsyncTwinfrontClient:
    scripted.answers["ListRelationships"] = relationships
    return scripted_client


async def test_all_pages_are_read_even_behind_an_empty_one(client: AsyncTwinfrontClient) -> None:
    found = [relationship async for relationship in client.list_relationships("floor-1")]
    assert found == [Relationship(id="a"), Relationship(id="b"), Relationship(id="c")]


async def test_the_request_is_the_same_for_each_page(client: AsyncTwinfrontClient, scripted: ScriptedServer) -> None:
    _ = [_ async for _ in client.list_relationships("floor-1", "contains", page_size=2, timeout=700)]
    assert [request.page_token for request in scripted.requests] == ["", "second", "third"]
    assert {(r.digital_twin_id, r.relationship_name, r.page_size) for r in scripted.requests} == {
        ("floor-1", "contains", 2)
    }
    assert {round(seconds, -2) for seconds in scripted.time_left} == {700}


async def test_a_page_is_fetched_only_when_the_one_before_is_used_up(
    client: AsyncTwinfrontClient, scripted: ScriptedServer
) -> None:
    items = aiter(client.list_relationships("floor-1"))
    assert scripted.requests == []
    await anext(items)
    await anext(items)
    assert len(scripted.requests) == 1
    await anext(items)
    assert len(scripted.requests) == 3


async def test_a_list_can_be_read_twice(client: AsyncTwinfrontClient) -> None:
    pager = client.list_relationships("floor-1")
    assert len([_ async for _ in pager]) == len([_ async for _ in pager]) == 3


async def test_pages_come_with_their_tokens(client: AsyncTwinfrontClient) -> None:
    pages = [page async for page in client.list_relationships("floor-1").pages()]
    assert [(len(page), page.next_page_token) for page in pages] == [(2, "second"), (0, "third"), (1, "")]
    assert [relationship.id for relationship in pages[0]] == ["a", "b"]


async def test_reading_goes_on_from_a_token(client: AsyncTwinfrontClient) -> None:
    pages = [page async for page in client.list_relationships("floor-1").pages("third")]
    assert [relationship.id for page in pages for relationship in page] == ["c"]


async def test_incoming_relationships_are_listed(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    response = ListIncomingRelationshipsResponse()
    response.incoming_relationships.add(
        json=b'{"$relationshipId":"r","$sourceId":"floor-1","$relationshipName":"contains","$relationshipLink":"x"}'
    )
    scripted.answers["ListIncomingRelationships"] = lambda *_: response
    found = [entry async for entry in scripted_client.list_incoming_relationships("room-1", page_size=5)]
    assert found == [IncomingRelationship(relationship_id="r", source_id="floor-1", name="contains")]
    assert scripted.requests[0].page_size == 5


async def test_models_are_listed(scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient) -> None:
    response = ListModelsResponse()
    response.models.add(json=b'{"id":"dtmi:example:Room;1","model":{"@id":"dtmi:example:Room;1"}}')
    scripted.answers["ListModels"] = lambda *_: response
    roots = (root for root in ["dtmi:example:Room;1"])
    models = [model async for model in scripted_client.list_models(roots, include_model_definition=True)]
    assert models[0].dtdl_model == {"@id": "dtmi:example:Room;1"}
    assert list(scripted.requests[0].dependencies_for) == ["dtmi:example:Room;1"]


@pytest.mark.parametrize(("following", "requests"), [({"": "1", "1": "1"}, 2), ({"": "1", "1": "2", "2": "1"}, 3)])
async def test_a_list_whose_tokens_lead_in_a_circle_is_given_up(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, following: dict[str, str], requests: int
) -> None:
    scripted.answers["ListModels"] = lambda request, *_: ListModelsResponse(
        next_page_token=following[request.page_token]
    )
    with pytest.raises(TwinfrontError, match="the page tokens lead in a circle"):
        _ = [model async for model in scripted_client.list_models()]
    assert len(scripted.requests) == requests


async def test_a_page_may_be_larger_than_the_default_of_grpc(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    response = ListModelsResponse()
    response.models.add(json=b'{"id":"dtmi:example:Room;1","model":{"comment":"%s"}}' % (b"x" * 5 * 1024 * 1024))
    scripted.answers["ListModels"] = lambda *_: response
    assert [model.id async for model in scripted_client.list_models()] == ["dtmi:example:Room;1"]
