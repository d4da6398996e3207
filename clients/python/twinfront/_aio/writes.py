"""Merges, deletions and batches of digital twins."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from collections.abc import Mapping, Sequence
from typing import Any

from twinfront import _writes
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata, View
from twinfront._writes import BatchGetResult, DeleteResult, DigitalTwinWrite, MergeResult, Relationships, WriteResult


class AsyncDigitalTwinWriteMethods(AsyncConnection):
    """The methods that merge, delete and batch digital twins."""

    async def merge_digital_twin(
        self,
        digital_twin_id: str,
        changes: Mapping[str, Any],
        *,
        if_match: str | None = None,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> MergeResult:
        """Merges changes into a digital twin (RFC 7396); the server works out the patch."""
        call = _writes.merge_digital_twin(
            digital_twin_id, changes, if_match=if_match, validate_only=validate_only, request_id=request_id
        )
        return await self._send(self._digital_twin_service.MergeDigitalTwin, call, timeout, metadata)

    async def delete_digital_twin(
        self,
        digital_twin_id: str,
        *,
        if_match: str | None = None,
        relationships: Relationships = "fail",
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DeleteResult:
        """Deletes a digital twin."""
        call = _writes.delete_digital_twin(
            digital_twin_id,
            if_match=if_match,
            relationships=relationships,
            validate_only=validate_only,
            request_id=request_id,
        )
        return await self._send(self._digital_twin_service.DeleteDigitalTwin, call, timeout, metadata)

    async def batch_get_digital_twins(
        self,
        digital_twin_ids: Sequence[str],
        *,
        view: View = "full",
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> BatchGetResult:
        """Reads many digital twins."""
        call = _writes.batch_get_digital_twins(digital_twin_ids, view=view)
        return await self._send(self._digital_twin_service.BatchGetDigitalTwins, call, timeout, metadata)

    async def batch_write_digital_twins(
        self,
        writes: Sequence[DigitalTwinWrite],
        *,
        validate_only: bool = False,
        request_id: str | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> list[WriteResult]:
        """Writes many digital twins, each under its own condition. This is not atomic."""
        call = _writes.batch_write_digital_twins(writes, validate_only=validate_only, request_id=request_id)
        return await self._send(self._digital_twin_service.BatchWriteDigitalTwins, call, timeout, metadata)
