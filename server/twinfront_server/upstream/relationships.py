"""Operations on relationships."""

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_calls import SdkCalls, if_match_option, if_none_match_option


class Relationships(SdkCalls):
    """Operations on relationships."""

    async def get_relationship(self, digital_twin_id: str, relationship_id: str) -> Answer:
        """Reads a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        return await self._call(
            Asked(operations.GET_RELATIONSHIP, ids), self._sdk.get_relationship, digital_twin_id, relationship_id
        )

    async def put_relationship(
        self, digital_twin_id: str, relationship_id: str, body: Body, *, if_none_match: bool
    ) -> Answer:
        """Creates or replaces a relationship; only creates it if `if_none_match`."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id, **body.ids}
        return await self._call(
            Asked(operations.PUT_RELATIONSHIP, ids, body, create_only=if_none_match),
            self._sdk.upsert_relationship,
            digital_twin_id,
            relationship_id,
            {},
            **if_none_match_option(if_none_match),
        )

    async def patch_relationship(
        self, digital_twin_id: str, relationship_id: str, body: Body, *, if_match: str
    ) -> Answer:
        """Applies a JSON Patch to a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        asked = Asked(operations.PATCH_RELATIONSHIP, ids, body, if_match)
        return await self._call(
            asked, self._sdk.update_relationship, digital_twin_id, relationship_id, [], **if_match_option(if_match)
        )

    async def delete_relationship(self, digital_twin_id: str, relationship_id: str, *, if_match: str) -> None:
        """Deletes a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        asked = Asked(operations.DELETE_RELATIONSHIP, ids, if_match=if_match)
        await self._call(
            asked, self._sdk.delete_relationship, digital_twin_id, relationship_id, **if_match_option(if_match)
        )

    async def list_relationships(self, digital_twin_id: str, relationship_name: str, link: str) -> Page:
        """One page of the relationships that start from a twin, of one name if it is given."""
        asked = Asked(operations.LIST_RELATIONSHIPS, {"digital_twin_id": digital_twin_id})
        # The SDK's parameter is called relationship_id and is sent as the name.
        return await self._list(asked, link, self._sdk.list_relationships, digital_twin_id, relationship_name or None)

    async def list_incoming_relationships(self, digital_twin_id: str, link: str) -> Page:
        """One page of the relationships that point to a twin."""
        asked = Asked(operations.LIST_INCOMING_RELATIONSHIPS, {"digital_twin_id": digital_twin_id})
        return await self._list(asked, link, self._sdk.list_incoming_relationships, digital_twin_id)
