"""Changes of the graph as Python values, and the calls that ask for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp as TimestampMessage

from twinfront import _json
from twinfront._calls import Call
from twinfront._digital_twins import DigitalTwin
from twinfront._models import Model
from twinfront._patch import Patch
from twinfront._relationships import Relationship
from twinfront._timestamps import Timestamp
from twinfront.v1 import change_service_pb2 as rpcs
from twinfront.v1.json_patch_pb2 import JsonPatchOperation

InitialState: TypeAlias = Literal["none", "twins", "graph"]
"""The state that is told before the changes: none, the digital twins, or these and the relationships."""

OnExpired: TypeAlias = Literal["fail", "resync"]
"""The way on where changes are lost: the watch fails, or says so and begins anew with the state as it is."""

ChangeContent: TypeAlias = Literal["patch", "after"]
"""The content of an update: its patch, or the patch with the twin or relationship as it is by now."""

INITIAL_STATES: Final[Mapping[str, Any]] = {
    "none": rpcs.INITIAL_STATE_NONE,
    "twins": rpcs.INITIAL_STATE_TWINS,
    "graph": rpcs.INITIAL_STATE_GRAPH,
}
ON_EXPIRED: Final[Mapping[str, Any]] = {"fail": rpcs.ON_EXPIRED_FAIL, "resync": rpcs.ON_EXPIRED_RESYNC}
CONTENTS: Final[Mapping[str, Any]] = {"patch": rpcs.CHANGE_CONTENT_PATCH, "after": rpcs.CHANGE_CONTENT_AFTER}


class ChangeKind(StrEnum):
    """Says what has changed."""

    TWIN_CREATED = "twin_created"
    """It was created, or has come into what is watched, as its model is another one."""
    TWIN_UPDATED = "twin_updated"
    TWIN_DELETED = "twin_deleted"
    """It was deleted, or has left what is watched."""
    RELATIONSHIP_CREATED = "relationship_created"
    RELATIONSHIP_UPDATED = "relationship_updated"
    RELATIONSHIP_DELETED = "relationship_deleted"
    TELEMETRY = "telemetry"
    """Comes only to those who ask for it."""
    MODEL_CREATED = "model_created"
    MODEL_DECOMMISSIONED = "model_decommissioned"
    MODEL_DELETED = "model_deleted"
    UNKNOWN = "unknown"
    """One that this client does not know."""

    @classmethod
    def _missing_(cls, _value: object) -> "ChangeKind":
        return cls.UNKNOWN


class ResetReason(StrEnum):
    """Says why changes are not told one by one."""

    LOG_TRIMMED = "log_trimmed"
    """The log no longer has them."""
    BULK_JOB = "bulk_job"
    """An import or delete job has made them."""
    SOURCE_GAP = "source_gap"
    """The source of changes has lost some."""
    UNKNOWN = "unknown"
    """One that this client does not know."""

    @classmethod
    def _missing_(cls, _value: object) -> "ResetReason":
        return cls.UNKNOWN


class ChangeOrder(StrEnum):
    """Says which order changes keep."""

    TOTAL = "total"
    """All changes come in the order in which they were made."""
    PARTITION = "partition"
    """The changes of each partition of the source come in the order in which they came into it."""
    UNKNOWN = "unknown"
    """One that this client does not know."""

    @classmethod
    def _missing_(cls, _value: object) -> "ChangeOrder":
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """The common part of all that a watch tells."""

    resume_token: str
    """The place at which a watch goes on that has seen this, and all before it; what came in one message with this may
    come again, with the same ids. Empty as long as there is no such place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(_Item):
    """A change of the graph."""

    id: str
    """The same whenever the change is told."""
    kind: ChangeKind
    """What has changed."""
    time: Timestamp
    """When it was made."""
    digital_twin_id: str = ""
    """The digital twin; of a relationship, its source."""
    relationship_id: str = ""
    """The relationship; empty if it is about none."""
    component_name: str = ""
    """The component that sent telemetry; empty if it was the twin."""
    model_id: str = ""
    """The model of the twin, or of the relationship's source, after the change; or the model that has changed."""
    etag: str = ""
    """The etag after the change, or the last one of what was deleted; empty where the source does not tell it."""
    patch: Patch = field(default_factory=Patch)
    """What an update has done."""
    digital_twin: DigitalTwin | None = None
    """The digital twin as it was created, or deleted; of an update as it is by now, if that was asked for."""
    relationship: Relationship | None = None
    """The relationship, likewise."""
    telemetry: Any = None
    """The message of telemetry."""
    model: Model | None = None
    """The model, without its definition."""
    traceparent: str = ""
    """The W3C trace context of the write, if the source tells it."""
    incoming_relationships_left: bool = False
    """Of a twin that is deleted: the relationships that point to it are gone too, and not only out of the filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialItem(_Item):
    """A digital twin or a relationship of the state that comes before the changes."""

    digital_twin: DigitalTwin | None = None
    relationship: Relationship | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialStateEnd(_Item):
    """Says that the state has come, and that from here on changes do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(_Item):
    """Says that nothing has changed, and that the token has moved on."""

    time: Timestamp
    """The time up to which all that happened has been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(_Item):
    """Says that there are changes that are not told one by one: a copy of the graph may be wrong from here on.

    With `on_expired="resync"` the state follows anew, from its first item; else changes go on, and whoever keeps a copy
    has to read it again.
    """

    reason: ResetReason
    """Why they are not told."""
    job_id: str = ""
    """The job, if it was one."""


WatchItem: TypeAlias = Change | InitialItem | InitialStateEnd | Checkpoint | Reset
"""One thing that a watch tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLog:
    """Tells how far the log of changes reaches, and which order it keeps."""

    order: ChangeOrder
    """Which order changes keep."""
    newest_token: str
    """The `resume_token` of a watch that begins behind the newest change."""
    oldest_token: str
    """The `resume_token` of a watch that begins with the oldest change."""
    newest_time: Timestamp | None = None
    """When the newest change was made; None if there is none."""
    oldest_time: Timestamp | None = None
    """When the oldest change was made that is still there; None if there is none."""


def get_change_log() -> Call[rpcs.GetChangeLogRequest, rpcs.GetChangeLogResponse, ChangeLog]:
    return Call(
        rpcs.GetChangeLogRequest(),
        lambda response: ChangeLog(
            order=ChangeOrder(_word(rpcs.GetChangeLogResponse.Order, response.order, "ORDER_")),
            newest_token=response.newest_token,
            oldest_token=response.oldest_token,
            newest_time=_time(response.newest_time) if response.HasField("newest_time") else None,
            oldest_time=_time(response.oldest_time) if response.HasField("oldest_time") else None,
        ),
    )


def kind_number(kind: ChangeKind | str) -> Any:
    """Gives the kind as the contract has it; ValueError for one that it does not have."""
    numbers: Mapping[str, Any] = dict(rpcs.ChangeKind.items())
    name = f"CHANGE_KIND_{str(kind).upper()}"
    if name not in numbers:
        raise ValueError(f"{kind!r} is no kind of change")
    return numbers[name]


def time_message(when: Timestamp) -> TimestampMessage:
    """Makes the time as it is sent; ValueError if its text is not ISO 8601."""
    seconds, nanos = divmod(when.nanoseconds, 1_000_000_000)
    return TimestampMessage(seconds=seconds, nanos=nanos)


def read_items(response: rpcs.WatchResponse, before: str) -> list[WatchItem]:
    """Reads a message of a watch.

    Args:
        response: the message.
        before: the token of the message before, which is that of all its items but the last: whoever goes on behind
            one of them has to be told the others.

    Raises:
        ValueError: it is not what the contract says.
    """
    if not response.resume_token:
        raise ValueError("a message has no resume_token")
    match response.WhichOneof("item"):
        case "changes":
            changes = response.changes.changes
            return [
                _change(change, token)
                for change, token in zip(changes, _tokens(len(changes), before, response), strict=True)
            ]
        case "initial_items":
            twins, relationships = response.initial_items.digital_twins, response.initial_items.relationships
            tokens = iter(_tokens(len(twins) + len(relationships), before, response))
            return [
                *(InitialItem(digital_twin=_digital_twin(twin), resume_token=next(tokens)) for twin in twins),
                *(InitialItem(relationship=_relationship(one), resume_token=next(tokens)) for one in relationships),
            ]
        case "initial_state_end":
            return [InitialStateEnd(resume_token=response.resume_token)]
        case "checkpoint":
            return [Checkpoint(time=_time(response.checkpoint.time), resume_token=response.resume_token)]
        case "reset":
            reason = ResetReason(_word(rpcs.Reset.Reason, response.reset.reason, "REASON_"))
            return [Reset(reason=reason, job_id=response.reset.job_id, resume_token=response.resume_token)]
    return []  # something newer than this client


def _tokens(count: int, before: str, response: rpcs.WatchResponse) -> list[str]:
    return [before] * (count - 1) + [response.resume_token] * (count > 0)


def _change(change: rpcs.Change, token: str) -> Change:
    resource = change.WhichOneof("resource")
    return Change(
        id=change.id,
        kind=ChangeKind(_word(rpcs.ChangeKind, change.kind, "CHANGE_KIND_")),
        time=_time(change.time),
        digital_twin_id=change.digital_twin_id,
        relationship_id=change.relationship_id,
        component_name=change.component_name,
        model_id=change.model_id,
        etag=change.etag,
        patch=Patch(map(_operation, change.patch)),
        digital_twin=_digital_twin(change.digital_twin) if resource == "digital_twin" else None,
        relationship=_relationship(change.relationship) if resource == "relationship" else None,
        telemetry=_json.load(change.telemetry_json) if resource == "telemetry_json" else None,
        model=Model.from_dict(_json.load(change.model.json)) if resource == "model" else None,
        traceparent=change.traceparent,
        incoming_relationships_left=change.incoming_relationships_left,
        resume_token=token,
    )


def _operation(operation: JsonPatchOperation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "op": _word(JsonPatchOperation.Op, operation.op, "OP_"),
        "path": operation.path,
    }
    if operation.op != JsonPatchOperation.OP_REMOVE:
        made["value"] = _json.load(operation.value_json)
    return made


def _digital_twin(twin: Any) -> DigitalTwin:
    return DigitalTwin.from_dict(_json.load(twin.json))


def _relationship(relationship: Any) -> Relationship:
    return Relationship.from_dict(_json.load(relationship.json))


def _time(message: TimestampMessage) -> Timestamp:
    """Reads a time to the 100 ns that Azure Digital Twins keeps."""
    seconds = message.ToJsonString()[:19]
    return Timestamp(f"{seconds}.{message.nanos // 100:07}Z")


def _word(enum: Any, number: int, prefix: str) -> str:
    """Gives the name of a number, as values of this client have it; empty for one that it does not know."""
    name: str = enum.Name(number) if number in enum.values() else ""
    return name.removeprefix(prefix).lower()
