"""Holds changes of the graph, as a log of them tells them."""

import enum
from dataclasses import dataclass
from typing import Final


class Kind(enum.Enum):
    """Tells what has changed; the value is the number of the contract's ChangeKind, if it has one."""

    TWIN_CREATED = 1
    TWIN_UPDATED = 2
    TWIN_DELETED = 3
    RELATIONSHIP_CREATED = 4
    RELATIONSHIP_UPDATED = 5
    RELATIONSHIP_DELETED = 6
    TELEMETRY = 7
    MODEL_CREATED = 8
    MODEL_DECOMMISSIONED = 9
    MODEL_DELETED = 10
    JOB_WROTE = -1
    """A job has written what is told in no change of its own."""
    JOB_ENDED = -2
    """A job has written all that it will."""
    UNREADABLE = -3
    """The source has an event of the graph that makes no sense, so what has changed cannot be told; `data` says why."""


TWINS: Final = frozenset({Kind.TWIN_CREATED, Kind.TWIN_UPDATED, Kind.TWIN_DELETED})
RELATIONSHIPS: Final = frozenset({Kind.RELATIONSHIP_CREATED, Kind.RELATIONSHIP_UPDATED, Kind.RELATIONSHIP_DELETED})
MODELS: Final = frozenset({Kind.MODEL_CREATED, Kind.MODEL_DECOMMISSIONED, Kind.MODEL_DELETED})
UPDATES: Final = frozenset({Kind.TWIN_UPDATED, Kind.RELATIONSHIP_UPDATED})
"""Kinds whose data is a patch."""

MARKS: Final = frozenset({Kind.JOB_WROTE, Kind.JOB_ENDED, Kind.UNREADABLE})
"""Kinds of what stands in the log and is no change that can be told; every watch is told that there are some."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change as a source has it.

    Attributes:
        partition: the partition that it is in.
        sequence: its number there.
        id: the event's id, the same whenever it is read.
        time: as the source writes it, RFC 3339.
        digital_twin_id: the twin, or the source of the relationship; empty for models and jobs.
        relationship_id: empty for what is no relationship.
        component_name: the component that sent telemetry; empty for none.
        model_id: the model of the twin after the change; empty where the source does not tell it.
        data: JSON: the document of what was created or deleted; `{"modelId", "patch"}` of an update; the message of
            telemetry; the model without its definition; the job as `{"jobId", "kind"}`.
        etag: empty where the source does not tell it, as those below.
        previous_model_id: the model before, where it has changed.
        target_id: the twin that a relationship points to.
        relationship_name: its name.
        previous_target_id: the twin that it pointed to before, where it points to another one now.
        previous_relationship_name: its name before, where it has another one now.
        traceparent: the trace context of the write.
        logged_time: when the source took it, where that may be another time than it tells, as with telemetry.
    """

    partition: str
    sequence: int
    id: str
    kind: Kind
    time: str
    digital_twin_id: str
    relationship_id: str
    component_name: str
    model_id: str
    data: bytes
    etag: str = ""
    previous_model_id: str = ""
    target_id: str = ""
    relationship_name: str = ""
    previous_target_id: str = ""
    previous_relationship_name: str = ""
    traceparent: str = ""
    logged_time: str = ""

    @property
    def taken(self) -> str:
        """Gives the time at which the source took it."""
        return self.logged_time or self.time
