"""Operations on relationships."""

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk.prepared_requests import PreparedRequests
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing, if_match_option, if_none_match_option


class Relationships:
    """Operations on relationships; a write has the conditions that those on twins have."""

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing) -> None:
        requests = PreparedRequests(sdk)
        self._put = requests.method("upsert_relationship", lambda *ids: (*ids, {}))
        self._patch = requests.method("update_relationship", lambda *ids: (*ids, []), status=204)
        self._delete = requests.method("delete_relationship", status=204, reads="")
        self._reads = reads
        self._write = writing.write

    async def get(self, digital_twin_id: str, relationship_id: str) -> Answer:
        """Reads a relationship."""
        return await self._reads.relationship(digital_twin_id, relationship_id)

    async def put(self, digital_twin_id: str, relationship_id: str, body: Body, *, if_none_match: bool) -> Answer:
        """Creates or replaces a relationship; only creates it if `if_none_match`."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id, **body.ids}
        asked = Asked(operations.PUT_RELATIONSHIP, ids, body, create_only=if_none_match)
        options = if_none_match_option(if_none_match)
        return await self._write(asked, self._put, digital_twin_id, relationship_id, **options)

    async def patch(
        self, digital_twin_id: str, relationship_id: str, body: Body, *, if_match: str, only_at: str = ""
    ) -> Answer:
        """Applies a JSON Patch to a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        asked = Asked(operations.PATCH_RELATIONSHIP, ids, body, if_match, only_at=only_at)
        options = if_match_option(asked.condition)
        return await self._write(asked, self._patch, *ids.values(), **options)

    async def delete(self, digital_twin_id: str, relationship_id: str, *, if_match: str, only_at: str = "") -> None:
        """Deletes a relationship."""
        ids = {"digital_twin_id": digital_twin_id, "relationship_id": relationship_id}
        asked = Asked(operations.DELETE_RELATIONSHIP, ids, if_match=if_match, only_at=only_at)
        options = if_match_option(asked.condition)
        await self._write(asked, self._delete, *ids.values(), **options)

    async def list(self, digital_twin_id: str, relationship_name: str, link: str) -> Page:
        """Reads one page of the relationships that start from a twin, of one name if it is given."""
        return await self._reads.relationships(digital_twin_id, relationship_name, link)

    async def list_incoming(self, digital_twin_id: str, link: str) -> Page:
        """Reads one page of the relationships that point to a twin."""
        return await self._reads.incoming_relationships(digital_twin_id, link)
