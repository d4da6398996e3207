"""Operations on relationships, both ends of which lie within the scope of the call."""

from functools import partial
from typing import Any

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.reads import document
from twinfront_server.upstream.resources.relationships import Relationships
from twinfront_server.upstream.scoped.boundary import Boundary, as_understood, hidden_if_missing, not_permitted
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing


class ScopedRelationships(Relationships):
    """Operations on the relationships both ends of which lie within the scope of the call."""

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing, boundary: Boundary) -> None:
        super().__init__(sdk, reads, writing)
        self._boundary = boundary

    async def get(self, digital_twin_id: str, relationship_id: str) -> Answer:
        """Reads a relationship."""
        if self._boundary.is_none:
            return await super().get(digital_twin_id, relationship_id)
        path = _path(digital_twin_id, relationship_id)
        await self._boundary.require_twin(digital_twin_id)
        answer = await hidden_if_missing(super().get(digital_twin_id, relationship_id), path)
        target = document(answer).get("$targetId")
        if not await self._boundary.are_inside([target]):
            raise not_permitted(path)
        return answer

    async def put(self, digital_twin_id: str, relationship_id: str, body: Body, *, if_none_match: bool) -> Answer:
        """Creates or replaces a relationship; only creates it if `if_none_match`."""
        if self._boundary.goes_by_bodies:
            wanted, body = as_understood(body)
        if not self._boundary.is_none:
            await self._boundary.require_twin(digital_twin_id)
            path = _path(digital_twin_id, relationship_id)
            ends = [_target(wanted), await self._stored_target(digital_twin_id, relationship_id)]
            if not await self._boundary.are_inside([end for end in ends if end is not None]):
                raise not_permitted(path)
        return await super().put(digital_twin_id, relationship_id, body, if_none_match=if_none_match)

    async def patch(
        self, digital_twin_id: str, relationship_id: str, body: Body, *, if_match: str, only_at: str = ""
    ) -> Answer:
        """Applies a JSON Patch to a relationship."""
        patch = partial(super().patch, digital_twin_id, relationship_id, body, if_match=if_match, only_at=only_at)
        look = partial(self._look, digital_twin_id, relationship_id)
        return await self._boundary.write_as_seen(look, patch, if_match=if_match)

    async def delete(self, digital_twin_id: str, relationship_id: str, *, if_match: str, only_at: str = "") -> None:
        """Deletes a relationship."""
        delete = partial(super().delete, digital_twin_id, relationship_id, if_match=if_match, only_at=only_at)
        look = partial(self._look, digital_twin_id, relationship_id)
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        await self._boundary.delete_as_seen(look, delete, Asked(operations.DELETE_RELATIONSHIP, ids, if_match=if_match))

    async def list(self, digital_twin_id: str, relationship_name: str, link: str) -> Page:
        """Reads one page of the relationships that start from a twin, of one name if it is given."""
        await self._boundary.require_twin(digital_twin_id)
        return await self._visible(await super().list(digital_twin_id, relationship_name, link), "$targetId")

    async def list_incoming(self, digital_twin_id: str, link: str) -> Page:
        """Reads one page of the relationships that point to a twin."""
        await self._boundary.require_twin(digital_twin_id)
        return await self._visible(await super().list_incoming(digital_twin_id, link), "$sourceId")

    async def _look(self, digital_twin_id: str, relationship_id: str) -> str:
        return (await self.get(digital_twin_id, relationship_id)).etag

    async def _visible(self, page: Page, end: str) -> Page:
        if self._boundary.is_none:
            return page
        inside = await self._boundary.inside(item.get(end) for item in page.items)
        kept = [item for item in page.items if item.get(end) in inside]
        return Page(kept, page.next_link, is_cut=len(kept) < len(page.items))

    async def _stored_target(self, digital_twin_id: str, relationship_id: str) -> object:
        """Gives the target that a relationship has now; None without one."""
        try:
            return _target(document(await self._reads.relationship(digital_twin_id, relationship_id)))
        except TwinfrontError as error:
            if error.reason not in {Reason.RELATIONSHIP_NOT_FOUND, Reason.TWIN_NOT_FOUND}:
                raise
            return None


def _target(relationship: Any) -> object:
    return relationship.get("$targetId") if isinstance(relationship, dict) else None


def _path(digital_twin_id: str, relationship_id: str) -> str:
    return f"digitaltwins/{digital_twin_id}/relationships/{relationship_id}"
