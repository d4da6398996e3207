"""Relationships between digital twins."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from collections.abc import Mapping
from typing import Any

from twinfront import _calls
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata, PatchOperations
from twinfront._pages import AsyncPager
from twinfront._relationships import IncomingRelationship, Relationship


class AsyncRelationshipMethods(AsyncConnection):
    """The methods that call the RelationshipService."""

    async def create_or_replace_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        relationship: Relationship | Mapping[str, Any],
        *,
        if_none_match: bool = False,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Relationship:
        """Creates a relationship from a digital twin, or replaces the one of that id as a whole."""
        call = _calls.create_or_replace_relationship(
            digital_twin_id,
            relationship_id,
            relationship,
            if_none_match=if_none_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return await self._send(self._relationship_service.CreateOrReplaceRelationship, call, timeout, metadata)

    async def get_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Relationship:
        """Reads a relationship."""
        call = _calls.get_relationship(digital_twin_id, relationship_id)
        return await self._send(self._relationship_service.GetRelationship, call, timeout, metadata)

    async def update_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        patch: PatchOperations,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Changes the properties of a relationship by a JSON Patch; source, target and name are fixed."""
        call = _calls.update_relationship(
            digital_twin_id,
            relationship_id,
            patch,
            if_match=if_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return await self._send(self._relationship_service.UpdateRelationship, call, timeout, metadata)

    async def delete_relationship(
        self,
        digital_twin_id: str,
        relationship_id: str,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Deletes a relationship."""
        call = _calls.delete_relationship(
            digital_twin_id, relationship_id, if_match=if_match, validate_only=validate_only, request_id=request_id
        )
        await self._send(self._relationship_service.DeleteRelationship, call, timeout, metadata)

    def list_relationships(
        self,
        digital_twin_id: str,
        name: str | None = None,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[Relationship]:
        """Lists the relationships that start from a digital twin."""
        return AsyncPager(
            lambda page_token: self._send(
                self._relationship_service.ListRelationships,
                _calls.list_relationships(digital_twin_id, name, page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )

    def list_incoming_relationships(
        self,
        digital_twin_id: str,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[IncomingRelationship]:
        """Lists the relationships that point to a digital twin."""
        return AsyncPager(
            lambda page_token: self._send(
                self._relationship_service.ListIncomingRelationships,
                _calls.list_incoming_relationships(digital_twin_id, page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )
