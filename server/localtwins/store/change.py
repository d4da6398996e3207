"""Holds changes of twins and relationships, before and after they are logged."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notification:
    """A change that is about to be logged; `data` is JSON, the others as in `Change`."""

    type: str
    twin_id: str
    subject: str
    model_id: str
    time: str
    message_id: str | None
    data: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change as the log has it: a notification, at its place in the order of all changes.

    Attributes:
        type: the event's type, such as `Microsoft.DigitalTwins.Twin.Update`.
        subject: empty for telemetry that comes from no component.
        message_id: telemetry has its own, other changes have none.
        data: the event's body as JSON.
    """

    position: int
    type: str
    twin_id: str
    subject: str
    model_id: str
    time: str
    message_id: str | None
    data: bytes
