"""Operations on digital twins and their components, within the scope of the call."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from azure.digitaltwins.core.aio import DigitalTwinsClient
from google.rpc.error_details_pb2 import PreconditionFailure

from twinfront.v1.error_details_pb2 import RelationshipsBlockingDelete
from twinfront_server.adt.answer import Answer
from twinfront_server.adt.body import Body
from twinfront_server.adt.twin_json import METADATA, MODEL
from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.resources.digital_twins import DigitalTwins
from twinfront_server.upstream.scoped.boundary import Boundary, as_understood, model_of_body
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing

_METADATA_PATH: Final = f"/{METADATA}".casefold()
_MODEL_PATH: Final = f"/{METADATA}/{MODEL}".casefold()


class ScopedDigitalTwins(DigitalTwins):
    """Operations on the digital twins that lie within the scope of the call."""

    def __init__(
        self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing, boundary: Boundary, *, share_reads: bool
    ) -> None:
        super().__init__(sdk, reads, writing, share_reads=share_reads)
        self._boundary = boundary

    async def get(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin."""
        if self._boundary.is_sure_of(digital_twin_id):
            return await super().get(digital_twin_id)
        return await self._boundary.read_twin(digital_twin_id, partial(super().get, digital_twin_id))

    async def get_shared(self, digital_twin_id: str) -> Answer:
        """Reads a digital twin, along with whoever else is reading it at the moment."""
        return await self._boundary.read_twin(digital_twin_id, partial(super().get_shared, digital_twin_id))

    async def put(self, digital_twin_id: str, body: Body, *, if_none_match: bool) -> Answer:
        """Creates or replaces a digital twin; only creates it if `if_none_match`."""
        if self._boundary.goes_by_bodies:
            document, body = as_understood(body)
            await self._boundary.require_twin_to_write(digital_twin_id, model_of_body(document))
        return await super().put(digital_twin_id, body, if_none_match=if_none_match)

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
        patch = partial(super().patch, digital_twin_id, if_match=if_match, any_author_counts=any_author_counts)
        if self._boundary.is_sure_of(digital_twin_id):
            return await patch(body, only_at=only_at)
        changes, body = as_understood(body)

        async def look() -> str:
            seen = await self._boundary.require_twin(digital_twin_id)
            for model in _models_given(changes):
                await self._boundary.require_new_model(digital_twin_id, model)
            return seen

        return await self._boundary.write_as_seen(look, partial(patch, body), if_match=if_match)

    async def delete(self, digital_twin_id: str, *, if_match: str, only_at: str = "") -> None:
        """Deletes a digital twin."""
        delete = partial(super().delete, digital_twin_id, if_match=if_match, only_at=only_at)
        look = partial(self._boundary.require_twin, digital_twin_id)
        asked = Asked(operations.DELETE_DIGITAL_TWIN, {"digital_twin_id": digital_twin_id}, if_match=if_match)
        try:
            await self._boundary.delete_as_seen(look, delete, asked)
        except TwinfrontError as error:
            if error.reason is Reason.TWIN_HAS_RELATIONSHIPS and not self._boundary.is_none:
                await self._hide_blockers(error)
            raise

    async def get_component(self, digital_twin_id: str, component_name: str) -> Answer:
        """Reads a component; the etag is its twin's."""
        await self._boundary.require_twin(digital_twin_id)
        return await super().get_component(digital_twin_id, component_name)

    async def patch_component(
        self, digital_twin_id: str, component_name: str, body: Body, *, if_match: str, only_at: str = ""
    ) -> Answer:
        """Applies a JSON Patch to a component; the etags are its twin's."""
        patch = partial(
            super().patch_component, digital_twin_id, component_name, body, if_match=if_match, only_at=only_at
        )
        if self._boundary.is_sure_of(digital_twin_id):
            return await patch()
        look = partial(self._boundary.require_twin, digital_twin_id)
        return await self._boundary.write_as_seen(look, patch, if_match=if_match)

    async def _hide_blockers(self, error: TwinfrontError) -> None:
        """Leaves of the relationships in the way those that lead to twins inside, and does not count the others."""
        for detail in error.details:
            if isinstance(detail, RelationshipsBlockingDelete):
                inside = await self._boundary.inside(
                    [*(each.target_id for each in detail.outgoing), *(each.source_id for each in detail.incoming)]
                )
                outgoing = [each for each in detail.outgoing if each.target_id in inside]
                incoming = [each for each in detail.incoming if each.source_id in inside]
                detail.CopyFrom(
                    RelationshipsBlockingDelete(
                        outgoing=outgoing,
                        incoming=incoming,
                        outgoing_total=len(outgoing),
                        incoming_total=len(incoming),
                        counts_are_lower_bounds=True,
                    )
                )
            elif isinstance(detail, PreconditionFailure):
                for violation in detail.violations:
                    violation.description = "relationships to be deleted first"
                del detail.violations[1:]


def _models_given(operations: Any) -> Iterator[object]:
    """Gives each model that a patch would give a twin; None for what is no model, or removes it.

    Paths are read as widely as an upstream might: without the leading slash, which the service takes too, and whatever
    the case of the letters is. Neither name has characters that a path escapes.
    """
    for operation in operations:
        path, value = f"/{operation['path'].removeprefix('/')}".casefold(), operation.get("value")
        if path == _MODEL_PATH:
            yield value
        elif path == _METADATA_PATH:
            yield value.get(MODEL) if isinstance(value, dict) else None
