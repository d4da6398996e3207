"""Operations on digital twins and their components."""

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_calls import SdkCalls, if_match_option, if_none_match_option


class DigitalTwins(SdkCalls):
    """Operations on digital twins and their components."""

    async def get_digital_twin(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin."""
        asked = Asked(operations.GET_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id})
        return await self._call(asked, self._sdk.get_digital_twin, digital_twin_id)

    async def put_digital_twin(self, digital_twin_id: str, body: Body, *, if_none_match: bool) -> Answer:
        """Creates or replaces a digital twin; only creates it if `if_none_match`."""
        asked = Asked(
            operations.PUT_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id}, body, create_only=if_none_match
        )
        return await self._call(
            asked, self._sdk.upsert_digital_twin, digital_twin_id, {}, **if_none_match_option(if_none_match)
        )

    async def patch_digital_twin(
        self, digital_twin_id: str, body: Body, *, if_match: str, any_author_counts: bool = False
    ) -> Answer:
        """Applies a JSON Patch to a digital twin; `any_author_counts` if others may bring about the same as well."""
        ids = {"digital_twin_id": digital_twin_id}
        asked = Asked(operations.PATCH_DIGITAL_TWIN, ids, body, if_match, any_author_counts=any_author_counts)
        return await self._call(asked, self._sdk.update_digital_twin, digital_twin_id, [], **if_match_option(if_match))

    async def delete_digital_twin(self, digital_twin_id: str, *, if_match: str) -> None:
        """Deletes a digital twin."""
        asked = Asked(operations.DELETE_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id}, if_match=if_match)
        await self._call(asked, self._sdk.delete_digital_twin, digital_twin_id, **if_match_option(if_match))

    async def get_component(self, digital_twin_id: str, component_name: str) -> Answer:
        """Reads a component; the etag is its twin's."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name}
        return await self._call(
            Asked(operations.GET_COMPONENT, ids), self._sdk.get_component, digital_twin_id, component_name
        )

    async def patch_component(self, digital_twin_id: str, component_name: str, body: Body, *, if_match: str) -> Answer:
        """Applies a JSON Patch to a component; the etags are its twin's."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name}
        asked = Asked(operations.PATCH_COMPONENT, ids, body, if_match)
        return await self._call(
            asked, self._sdk.update_component, digital_twin_id, component_name, [], **if_match_option(if_match)
        )
