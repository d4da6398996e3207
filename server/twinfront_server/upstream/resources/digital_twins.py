"""Operations on digital twins and their components."""

from functools import partial

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.resources.shared_reads import SharedReads
from twinfront_server.upstream.sdk.prepared_requests import PreparedRequests
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing, if_match_option, if_none_match_option


class DigitalTwins:
    """Operations on digital twins and their components.

    A write has the condition `if_match` of its caller, and may have one of the front's own besides, `only_at`.

    Args:
        sdk: the SDK's client.
        reads: reads with it.
        writing: writes with it.
        share_reads: whether an answer to one caller may be another's as well.
    """

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing, *, share_reads: bool = True) -> None:
        requests = PreparedRequests(sdk)
        self._put = requests.method("upsert_digital_twin", lambda twin: (twin, {}))
        self._patch = requests.method("update_digital_twin", lambda twin: (twin, []), status=204)
        self._delete = requests.method("delete_digital_twin", status=204, reads="")
        self._patch_component = requests.method("update_component", lambda *ids: (*ids, []), status=204)
        self._reads = reads
        self._write = writing.write
        self._shared_reads = SharedReads() if share_reads else None

    async def get(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin."""
        return await self._reads.digital_twin(digital_twin_id)

    async def get_shared(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin, along with whoever else is reading it at the moment."""
        if self._shared_reads is None:
            return await self.get(digital_twin_id)
        return await self._shared_reads.read(digital_twin_id, partial(self.get, digital_twin_id))

    async def put(self, digital_twin_id: str, body: Body, *, if_none_match: bool) -> Answer:
        """Creates or replaces a digital twin; only creates it if `if_none_match`."""
        ids = {"digital_twin_id": digital_twin_id}
        asked = Asked(operations.PUT_DIGITAL_TWIN, ids, body, create_only=if_none_match)
        options = if_none_match_option(if_none_match)
        return await self._write(asked, self._put, digital_twin_id, **options)

    async def patch(
        self,
        digital_twin_id: str,
        body: Body,
        *,
        if_match: str,
        only_at: str = "",
        any_author_counts: bool = False,
    ) -> Answer:
        """Applies a JSON Patch to a digital twin; `any_author_counts` if others may bring about the same as well."""
        ids = {"digital_twin_id": digital_twin_id}
        asked = Asked(
            operations.PATCH_DIGITAL_TWIN, ids, body, if_match, any_author_counts=any_author_counts, only_at=only_at
        )
        options = if_match_option(asked.condition)
        return await self._write(asked, self._patch, digital_twin_id, **options)

    async def delete(self, digital_twin_id: str, *, if_match: str, only_at: str = "") -> None:
        """Deletes a digital twin."""
        ids = {"digital_twin_id": digital_twin_id}
        asked = Asked(operations.DELETE_DIGITAL_TWIN, ids, if_match=if_match, only_at=only_at)
        options = if_match_option(asked.condition)
        await self._write(asked, self._delete, digital_twin_id, **options)

    async def get_component(self, digital_twin_id: str, component_name: str) -> Answer:
        """Reads a component; the etag is its twin's."""
        return await self._reads.component(digital_twin_id, component_name)

    async def patch_component(
        self, digital_twin_id: str, component_name: str, body: Body, *, if_match: str, only_at: str = ""
    ) -> Answer:
        """Applies a JSON Patch to a component; the etags are its twin's."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name}
        asked = Asked(operations.PATCH_COMPONENT, ids, body, if_match, only_at=only_at)
        options = if_match_option(asked.condition)
        return await self._write(asked, self._patch_component, *ids.values(), **options)
