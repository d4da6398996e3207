"""Changes to test with."""

import json
import uuid
from dataclasses import replace
from typing import Any

from localtwins.events.cloud_events import CloudEvent
from localtwins.events.notifications import TWIN_CREATE
from localtwins.store.change import Change

LOG_ID = uuid.UUID(int=7)


def event(kind: str = TWIN_CREATE, data: Any = None, **fields: Any) -> CloudEvent:
    """An event about the twin `room`, of the given type and body."""
    change = Change(1, kind, "room", "room", "dtmi:test:Room;1", "2026-01-02T03:04:05.0000000Z", None, b"")
    change = replace(change, data=json.dumps({} if data is None else data).encode(), **fields)
    return CloudEvent(change, source="adt.example", log_id=LOG_ID)
