"""Digital twins and their components."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from twinfront import _calls
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata, PatchOperations, View
from twinfront._digital_twins import Component, DigitalTwin
from twinfront._retry import check_attempts, check_change, check_etag, pause
from twinfront.errors import EtagMismatchError


class AsyncDigitalTwinMethods(AsyncConnection):
    """The methods that call the DigitalTwinService."""

    async def create_or_replace_digital_twin(
        self,
        digital_twin_id: str,
        digital_twin: DigitalTwin | Mapping[str, Any],
        *,
        if_none_match: bool = False,
        view: View = "full",
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DigitalTwin:
        """Creates a digital twin, or replaces the one of that id as a whole."""
        call = _calls.create_or_replace_digital_twin(
            digital_twin_id,
            digital_twin,
            if_none_match=if_none_match,
            view=view,
            if_match=if_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return await self._send(self._digital_twin_service.CreateOrReplaceDigitalTwin, call, timeout, metadata)

    async def get_digital_twin(
        self,
        digital_twin_id: str,
        *,
        view: View = "full",
        allow_stale: bool = False,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DigitalTwin:
        """Reads a digital twin."""
        call = _calls.get_digital_twin(digital_twin_id, view=view, allow_stale=allow_stale)
        return await self._send(self._digital_twin_service.GetDigitalTwin, call, timeout, metadata)

    async def update_digital_twin(
        self,
        digital_twin_id: str,
        patch: PatchOperations,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Changes a digital twin by a JSON Patch: all of its operations, or none."""
        call = _calls.update_digital_twin(
            digital_twin_id, patch, if_match=if_match, validate_only=validate_only, request_id=request_id
        )
        return await self._send(self._digital_twin_service.UpdateDigitalTwin, call, timeout, metadata)

    async def update_with_retry(
        self,
        digital_twin_id: str,
        change: Callable[[DigitalTwin], PatchOperations | Awaitable[PatchOperations | None] | None],
        *,
        attempts: int = 5,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Reads a digital twin, changes it, and does both again if another writer was faster."""
        check_attempts(attempts)
        attempt = 0
        while True:
            attempt += 1
            twin = await self.get_digital_twin(digital_twin_id, timeout=timeout, metadata=metadata)
            check_etag(twin)
            before = copy.deepcopy(twin)
            patch = change(twin)
            if isawaitable(patch):
                patch = await patch
            check_change(before, twin, patch)
            if patch is None:
                return twin.etag
            try:
                return await self.update_digital_twin(
                    digital_twin_id, patch, if_match=twin.etag, timeout=timeout, metadata=metadata
                )
            except EtagMismatchError:
                if attempt == attempts:
                    raise
            await asyncio.sleep(pause(attempt))

    async def get_component(
        self,
        digital_twin_id: str,
        component_name: str,
        *,
        view: View = "full",
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Component:
        """Reads a component of a digital twin; its `etag` is the twin's."""
        call = _calls.get_component(digital_twin_id, component_name, view=view)
        return await self._send(self._digital_twin_service.GetComponent, call, timeout, metadata)

    async def update_component(
        self,
        digital_twin_id: str,
        component_name: str,
        patch: PatchOperations,
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Changes a component of a digital twin by a JSON Patch: all of its operations, or none."""
        call = _calls.update_component(
            digital_twin_id,
            component_name,
            patch,
            if_match=if_match,
            validate_only=validate_only,
            request_id=request_id,
        )
        return await self._send(self._digital_twin_service.UpdateComponent, call, timeout, metadata)
