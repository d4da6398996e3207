"""Operations on models, within the scope of the call."""

from collections.abc import Sequence

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.call import current_call
from twinfront_server.upstream.resources.models import Models
from twinfront_server.upstream.scoped.boundary import Boundary
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing


class ScopedModels(Models):
    """Operations on the models that twins within the scope of the call can be of."""

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing, boundary: Boundary) -> None:
        super().__init__(sdk, reads, writing)
        self._boundary = boundary

    async def post(self, body: Body) -> Answer:
        """Creates models, all or none."""
        self._boundary.require_none("creating models")
        return await super().post(body)

    async def get(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""
        await self._boundary.require_model(model_id)
        return await super().get(model_id, include_model_definition=include_model_definition)

    async def list(self, dependencies_for: Sequence[str], link: str, *, include_model_definition: bool) -> Page:
        """Reads one page of models: all, or those of some ids and what they depend on; at a link or from the start."""
        if current_call().scope.models is None:
            return await super().list(dependencies_for, link, include_model_definition=include_model_definition)
        for model_id in dependencies_for:
            await self._boundary.require_model(model_id)
        # Their definitions say what they extend.
        page = await self._boundary.models_inside(
            await super().list(dependencies_for, link, include_model_definition=True)
        )
        if not include_model_definition:
            for item in page.items:
                item.pop("model", None)
        return page

    async def decommission(self, model_id: str) -> None:
        """Decommissions a model."""
        self._boundary.require_none("decommissioning models")
        await super().decommission(model_id)

    async def delete(self, model_id: str) -> None:
        """Deletes a model."""
        self._boundary.require_none("deleting models")
        await super().delete(model_id)
