"""Models."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from collections.abc import Iterable, Mapping
from typing import Any

from twinfront import _calls
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata
from twinfront._models import Model
from twinfront._pages import AsyncPager


class AsyncModelMethods(AsyncConnection):
    """The methods that call the ModelService."""

    async def create_models(
        self,
        models: Iterable[Mapping[str, Any] | str],
        *,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> list[Model]:
        """Uploads models: all of them, or none."""
        return await self._send(
            self._model_service.CreateModels,
            _calls.create_models(models, validate_only=validate_only, request_id=request_id),
            timeout,
            metadata,
        )

    async def get_model(
        self,
        model_id: str,
        *,
        include_model_definition: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Model:
        """Reads a model."""
        call = _calls.get_model(model_id, include_model_definition=include_model_definition)
        return await self._send(self._model_service.GetModel, call, timeout, metadata)

    def list_models(
        self,
        dependencies_for: Iterable[str] = (),
        *,
        include_model_definition: bool = False,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[Model]:
        """Lists models in the order of their upload."""
        roots = _calls.model_ids(dependencies_for)
        return AsyncPager(
            lambda page_token: self._send(
                self._model_service.ListModels,
                _calls.list_models(
                    roots,
                    include_model_definition=include_model_definition,
                    page_size=page_size,
                    page_token=page_token,
                ),
                timeout,
                metadata,
            )
        )

    async def decommission_model(
        self,
        model_id: str,
        *,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Marks a model so that no new twin of it is created. There is no way back, and doing it again is harmless."""
        await self._send(
            self._model_service.DecommissionModel,
            _calls.decommission_model(model_id, validate_only=validate_only, request_id=request_id),
            timeout,
            metadata,
        )

    async def delete_model(
        self,
        model_id: str,
        *,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Deletes a model that no other model extends or has as a component; twins of it stay."""
        await self._send(
            self._model_service.DeleteModel,
            _calls.delete_model(model_id, validate_only=validate_only, request_id=request_id),
            timeout,
            metadata,
        )
