"""Operations on models."""

from collections.abc import Sequence

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing


class Models:
    """Operations on models."""

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing) -> None:
        self._sdk = sdk
        self._reads = reads
        self._write = writing.write

    async def post(self, body: Body) -> Answer:
        """Creates models, all or none."""
        return await self._write(
            Asked(operations.POST_MODELS, body=body, create_only=True), self._sdk.create_models, []
        )

    async def get(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""
        return await self._reads.model(model_id, include_model_definition=include_model_definition)

    async def list(self, dependencies_for: Sequence[str], link: str, *, include_model_definition: bool) -> Page:
        """Reads one page of models: all, or those of some ids and what they depend on; at a link or from the start."""
        return await self._reads.models(dependencies_for, link, include_model_definition=include_model_definition)

    async def decommission(self, model_id: str) -> None:
        """Decommissions a model."""
        asked = Asked(operations.DECOMMISSION_MODEL, {"model_id": model_id})
        await self._write(asked, self._sdk.decommission_model, model_id)

    async def delete(self, model_id: str) -> None:
        """Deletes a model."""
        await self._write(Asked(operations.DELETE_MODEL, {"model_id": model_id}), self._sdk.delete_model, model_id)
