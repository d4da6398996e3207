"""Merges, deletions and batches of digital twins."""

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
        """Merges changes into a digital twin (RFC 7396); the server works out the patch.

        Args:
            digital_twin_id: The twin's id.
            changes: By name of a property or component. A None removes, a mapping is merged member by member, be it
                into an object that was never set, anything else replaces.
            if_match: The etag that the twin has to have; "*" or None for any.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The twin's etag, and whether anything had to be written.

        Raises:
            TwinNotFoundError: No such twin.
            EtagMismatchError: The twin's etag is not `if_match`; or, without it, other writers were faster several
                times.
            ValidationFailedError: The twin would not fit its model.
        """
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
        """Deletes a digital twin.

        Args:
            digital_twin_id: The twin's id.
            if_match: The etag that the twin has to have; "*" or None for any.
            relationships: "fail" if the twin must have none, "detach" to delete them along with it; that is not
                atomic.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            How many relationships were deleted first.

        Raises:
            TwinNotFoundError: No such twin.
            TwinHasRelationshipsError: Relationships have to go first; the error lists them.
            EtagMismatchError: The twin's etag is not `if_match`.
            OutcomeUnknownError: The answer was lost; look whether the twin is still there.
        """
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
        """Reads many digital twins.

        Args:
            digital_twin_ids: The ids, at most 1,000.
            view: "basic" leaves out the metadata of properties.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Returns:
            The twins that exist, the ids that no twin has, and those that the caller may not read.
        """
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
        """Writes many digital twins, each under its own condition. This is not atomic.

        Args:
            writes: `CreateOrReplace`, `Update`, `Merge` and `Delete`, at most 1,000, no two about the same twin.
            validate_only: Only say what the write would end in, and write nothing; localtwins can, Azure cannot.
            request_id: Sent again with the same id within 10 minutes, it is answered with the first one's outcome.
            timeout: Seconds; 300 by default.
            metadata: Further request metadata.

        Returns:
            One result for each write, in their order; a write that failed is not raised.
        """
        call = _writes.batch_write_digital_twins(writes, validate_only=validate_only, request_id=request_id)
        return await self._send(self._digital_twin_service.BatchWriteDigitalTwins, call, timeout, metadata)
