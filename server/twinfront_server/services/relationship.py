"""`RelationshipService`."""

from functools import partial
from typing import Any

from twinfront.v1 import relationship_service_pb2 as messages
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceServicer
from twinfront_server.large_requests import is_large, work
from twinfront_server.services.paging import Paging
from twinfront_server.upstream import Upstream
from twinfront_server.wire.identifier import if_match, if_none_match, required_id
from twinfront_server.wire.json_patch import json_patch_body
from twinfront_server.wire.relationship import (
    fill_incoming_relationship,
    fill_listed_relationship,
    fill_relationship,
    relationship_body,
)
from twinfront_server.wire.representation import wants_json


class RelationshipService(RelationshipServiceServicer):
    """Relationships between digital twins."""

    def __init__(self, upstream: Upstream, paging: Paging) -> None:
        self._upstream = upstream
        self._paging = paging

    async def CreateOrReplaceRelationship(
        self, request: messages.CreateOrReplaceRelationshipRequest, context: Any
    ) -> messages.CreateOrReplaceRelationshipResponse:
        as_json = wants_json(request.representation)
        twin_id = required_id(request.digital_twin_id, "digital_twin_id")
        relationship_id = required_id(request.relationship_id, "relationship_id")
        body = await work(lambda: relationship_body(request.relationship, twin_id, relationship_id), large=is_large())
        answer = await self._upstream.relationships.put(
            twin_id, relationship_id, body, if_none_match=if_none_match(request.if_none_match)
        )
        response = messages.CreateOrReplaceRelationshipResponse(etag=answer.etag)
        fill_relationship(response.relationship, answer.body, as_json=as_json)
        return response

    async def GetRelationship(
        self, request: messages.GetRelationshipRequest, context: Any
    ) -> messages.GetRelationshipResponse:
        as_json = wants_json(request.representation)
        answer = await self._upstream.relationships.get(
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.relationship_id, "relationship_id"),
        )
        response = messages.GetRelationshipResponse(etag=answer.etag)
        fill_relationship(response.relationship, answer.body, as_json=as_json)
        return response

    async def UpdateRelationship(
        self, request: messages.UpdateRelationshipRequest, context: Any
    ) -> messages.UpdateRelationshipResponse:
        answer = await self._upstream.relationships.patch(
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.relationship_id, "relationship_id"),
            await work(lambda: json_patch_body(request.patch), large=is_large()),
            if_match=if_match(request.if_match),
        )
        return messages.UpdateRelationshipResponse(etag=answer.etag)

    async def DeleteRelationship(
        self, request: messages.DeleteRelationshipRequest, context: Any
    ) -> messages.DeleteRelationshipResponse:
        await self._upstream.relationships.delete(
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.relationship_id, "relationship_id"),
            if_match=if_match(request.if_match),
        )
        return messages.DeleteRelationshipResponse()

    async def ListRelationships(
        self, request: messages.ListRelationshipsRequest, context: Any
    ) -> messages.ListRelationshipsResponse:
        as_json = wants_json(request.representation)
        twin_id = required_id(request.digital_twin_id, "digital_twin_id")
        response = messages.ListRelationshipsResponse()
        await self._paging.fill(
            request,
            response,
            response.relationships,
            lambda link, _size: self._upstream.relationships.list(twin_id, request.relationship_name, link),
            partial(fill_listed_relationship, as_json=as_json),
        )
        return response

    async def ListIncomingRelationships(
        self, request: messages.ListIncomingRelationshipsRequest, context: Any
    ) -> messages.ListIncomingRelationshipsResponse:
        as_json = wants_json(request.representation)
        twin_id = required_id(request.digital_twin_id, "digital_twin_id")
        response = messages.ListIncomingRelationshipsResponse()
        await self._paging.fill(
            request,
            response,
            response.incoming_relationships,
            lambda link, _size: self._upstream.relationships.list_incoming(twin_id, link),
            partial(fill_incoming_relationship, as_json=as_json),
        )
        return response
