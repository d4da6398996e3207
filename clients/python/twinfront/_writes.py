"""Merges, deletions and batches of digital twins: their calls and results."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Literal, TypeAlias

from twinfront import _digital_twins, _json
from twinfront._calls import Call, PatchOperations, View, any_etag, etag_text, view_number
from twinfront._digital_twins import DigitalTwin
from twinfront._patch import patch_operations
from twinfront.errors import TwinfrontError, from_status
from twinfront.v1 import digital_twin_pb2
from twinfront.v1 import digital_twin_service_pb2 as rpcs
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON

Relationships: TypeAlias = Literal["fail", "detach"]
"""What to do with the relationships of a twin that is to be deleted: fail if there are any, or delete them first."""

_RELATIONSHIPS: Final = {"fail": rpcs.RELATIONSHIPS_FAIL, "detach": rpcs.RELATIONSHIPS_DETACH}


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The outcome of a merge."""

    etag: str
    """The twin's etag after the merge."""
    changed: bool
    """Whether anything had to be written."""


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """Counts the relationships that went along with a digital twin."""

    outgoing_relationships: int
    """Those that started from the twin."""
    incoming_relationships: int
    """Those that pointed to it; one from the twin to itself counts as outgoing only."""


@dataclass(frozen=True, slots=True)
class BatchGetResult:
    """The twins that were asked for, as far as they exist."""

    digital_twins: list[DigitalTwin]
    """Those that exist, in the order that was asked for."""
    missing: list[str]
    """The ids that no twin has."""
    not_permitted: list[str]
    """The ids of twins that this caller may not read, whether they exist or not."""


@dataclass(frozen=True, slots=True)
class CreateOrReplace:
    """A write of a batch: as `create_or_replace_digital_twin`."""

    digital_twin_id: str
    """The twin's id."""
    digital_twin: DigitalTwin | Mapping[str, Any]
    """The twin to be."""
    _: KW_ONLY
    if_none_match: bool = False
    """Create only."""
    if_match: str | None = None
    """The etag that the twin has to have; "*" to replace only; None for any, or no twin."""


@dataclass(frozen=True, slots=True)
class Update:
    """A write of a batch: as `update_digital_twin`."""

    digital_twin_id: str
    """The twin's id."""
    patch: PatchOperations
    """The changes."""
    _: KW_ONLY
    if_match: str | None = None
    """The etag that the twin has to have; "*" or None for any."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A write of a batch: as `merge_digital_twin`."""

    digital_twin_id: str
    """The twin's id."""
    changes: Mapping[str, Any]
    """The changes."""
    _: KW_ONLY
    if_match: str | None = None
    """The etag that the twin has to have; "*" or None for any."""


@dataclass(frozen=True, slots=True)
class Delete:
    """A write of a batch: as `delete_digital_twin`."""

    digital_twin_id: str
    """The twin's id."""
    _: KW_ONLY
    relationships: Relationships = "fail"
    """What to do with the twin's relationships."""
    if_match: str | None = None
    """The etag that the twin has to have; "*" or None for any."""


DigitalTwinWrite: TypeAlias = CreateOrReplace | Update | Merge | Delete
"""A write of a batch."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The outcome of one write of a batch."""

    etag: str
    """The twin's new etag; empty if the write failed or deleted."""
    error: TwinfrontError | None
    """What the call of its own would have raised; None if the write succeeded."""
    outgoing_relationships: int = 0
    """How many relationships that started from the twin were deleted first."""
    incoming_relationships: int = 0
    """How many relationships that pointed to the twin were deleted first."""


def merge_digital_twin(
    digital_twin_id: str,
    changes: Mapping[str, Any],
    *,
    if_match: str | None,
    validate_only: bool,
    request_id: str | None,
) -> Call[rpcs.MergeDigitalTwinRequest, rpcs.MergeDigitalTwinResponse, MergeResult]:
    return Call(
        rpcs.MergeDigitalTwinRequest(
            digital_twin_id=digital_twin_id,
            merge_json=_json.dump(changes, "changes"),
            if_match=etag_text(if_match),
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: MergeResult(response.etag, response.changed),
    )


def delete_digital_twin(
    digital_twin_id: str,
    *,
    if_match: str | None,
    relationships: Relationships,
    validate_only: bool,
    request_id: str | None,
) -> Call[rpcs.DeleteDigitalTwinRequest, rpcs.DeleteDigitalTwinResponse, DeleteResult]:
    return Call(
        rpcs.DeleteDigitalTwinRequest(
            digital_twin_id=digital_twin_id,
            if_match=etag_text(if_match),
            relationships=_relationships(relationships),
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: DeleteResult(response.outgoing_relationships_deleted, response.incoming_relationships_deleted),
    )


def batch_get_digital_twins(
    digital_twin_ids: Sequence[str], *, view: View
) -> Call[rpcs.BatchGetDigitalTwinsRequest, rpcs.BatchGetDigitalTwinsResponse, BatchGetResult]:
    if isinstance(digital_twin_ids, str):
        raise TypeError("digital_twin_ids is a list of ids, and not one of them: put it in brackets")
    return Call(
        rpcs.BatchGetDigitalTwinsRequest(
            digital_twin_ids=digital_twin_ids, representation=REPRESENTATION_JSON, view=view_number(view)
        ),
        lambda response: BatchGetResult(
            [DigitalTwin.from_dict(_json.load(twin.json)) for twin in response.digital_twins],
            list(response.missing_digital_twin_ids),
            list(response.not_permitted_digital_twin_ids),
        ),
    )


def batch_write_digital_twins(
    writes: Sequence[DigitalTwinWrite], *, validate_only: bool, request_id: str | None
) -> Call[rpcs.BatchWriteDigitalTwinsRequest, rpcs.BatchWriteDigitalTwinsResponse, list[WriteResult]]:
    return Call(
        rpcs.BatchWriteDigitalTwinsRequest(
            writes=[_write(write, index) for index, write in enumerate(writes)],
            validate_only=validate_only,
            request_id=request_id or "",
        ),
        lambda response: [
            WriteResult(
                result.etag,
                from_status(result.status),
                result.outgoing_relationships_deleted,
                result.incoming_relationships_deleted,
            )
            for result in response.results
        ],
    )


def _write(write: DigitalTwinWrite, index: int) -> rpcs.DigitalTwinWrite:
    message = rpcs.DigitalTwinWrite(digital_twin_id=write.digital_twin_id, if_match=etag_text(write.if_match))
    match write:
        case CreateOrReplace():
            document = _json.dump(_digital_twins.request_form(write.digital_twin), f"writes[{index}].digital_twin")
            message.create_or_replace.CopyFrom(digital_twin_pb2.DigitalTwin(json=document))
            message.if_none_match = any_etag(wanted=write.if_none_match)
        case Update():
            message.patch.SetInParent()
            message.patch.operations.extend(patch_operations(write.patch))
        case Merge():
            message.merge.merge_json = _json.dump(write.changes, f"writes[{index}].changes")
        case Delete():
            message.delete.relationships = _relationships(write.relationships)
    return message


def _relationships(relationships: Relationships) -> Any:
    if relationships not in _RELATIONSHIPS:
        raise ValueError(f"relationships is {relationships!r}, and not one of 'fail', 'detach'")
    return _RELATIONSHIPS[relationships]
