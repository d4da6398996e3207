"""Holds changes of models, twins, relationships and jobs, before and after they are logged."""

import uuid
from dataclasses import dataclass


@dataclass(slots=True)  # not frozen, which takes longer to make: each write has one
class Notification:
    """A change that is about to be logged; `data` is JSON, the others as in `Change`."""

    type: str
    twin_id: str
    subject: str
    model_id: str
    time: str
    message_id: str | None
    data: str
    etag: str = ""
    previous_model_id: str = ""
    target_id: str = ""
    relationship_name: str = ""
    previous_target_id: str = ""
    previous_relationship_name: str = ""


@dataclass(slots=True)  # not frozen, which takes longer to make: a page has hundreds
class Change:
    """A change as the log has it: a notification, at its place in the order of all changes.

    A text is empty where there is nothing to tell. Changes that a version before this one has logged have no `etag`,
    nothing behind it, and no `logged`.

    Attributes:
        type: the event's type, such as `Microsoft.DigitalTwins.Twin.Update`; see `events/notifications.py`.
        twin_id: the twin, or the source of the relationship.
        subject: the id of the twin, `SOURCE/relationships/ID`, the component that sends telemetry, or the id of the
            model.
        model_id: of the twin after the change, of the relationship's source, or the model itself.
        time: as the service writes it; telemetry may say another one.
        message_id: telemetry has its own, other changes have none.
        data: the event's body as JSON.
        etag: of the twin or relationship after the change; the last one of what was deleted.
        previous_model_id: the twin's model before, if this change has made it another one.
        target_id: the twin that the relationship points to after the change.
        relationship_name: the relationship's name after the change.
        previous_target_id: the twin that it pointed to before, if this change has it point to another one.
        previous_relationship_name: its name before, if this change has given it another one.
        traceparent: the trace context of the request.
        logged: when it was logged, in ticks; each change later than the one before.
    """

    position: int
    type: str
    twin_id: str
    subject: str
    model_id: str
    time: str
    message_id: str | None
    data: bytes
    etag: str = ""
    previous_model_id: str = ""
    target_id: str = ""
    relationship_name: str = ""
    previous_target_id: str = ""
    previous_relationship_name: str = ""
    traceparent: str = ""
    logged: int = 0

    def id_in(self, log_id: uuid.UUID) -> str:
        """Gives an id that no other change has, of whatever log, and this one whenever it is read."""
        return str(uuid.uuid5(log_id, str(self.position)))
