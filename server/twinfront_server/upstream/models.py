"""Operations on models."""

from collections.abc import Sequence

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_calls import SdkCalls


class Models(SdkCalls):
    """Operations on models."""

    async def post_models(self, body: Body) -> Answer:
        """Creates models, all or none."""
        return await self._call(Asked(operations.POST_MODELS, body=body, create_only=True), self._sdk.create_models, [])

    async def get_model(self, model_id: str, *, include_model_definition: bool) -> Answer:
        """Reads a model."""
        return await self._call(
            Asked(operations.GET_MODEL, {"model_id": model_id}),
            self._sdk.get_model,
            model_id,
            include_model_definition=include_model_definition,
        )

    async def list_models(self, dependencies_for: Sequence[str], link: str, *, include_model_definition: bool) -> Page:
        """One page of models: of those ids and what they depend on if any are given, at a link or from the start."""
        listed = {f"dependencies_for[{index}]": model_id for index, model_id in enumerate(dependencies_for)}
        return await self._list(
            Asked(operations.LIST_MODELS, listed=listed),
            link,
            self._sdk.list_models,
            list(dependencies_for) or None,
            include_model_definition=include_model_definition,
        )

    async def decommission_model(self, model_id: str) -> None:
        """Decommissions a model."""
        await self._call(
            Asked(operations.DECOMMISSION_MODEL, {"model_id": model_id}), self._sdk.decommission_model, model_id
        )

    async def delete_model(self, model_id: str) -> None:
        """Deletes a model."""
        await self._call(Asked(operations.DELETE_MODEL, {"model_id": model_id}), self._sdk.delete_model, model_id)
