"""Publishes telemetry: it is not stored with the twin and not checked against the model."""

import orjson

from localtwins import errors
from localtwins.engine.clock import twin_time
from localtwins.engine.digital_twin import is_component
from localtwins.events import notifications
from localtwins.store.transaction import Transaction


def publish(
    tx: Transaction, twin_id: str, component: str | None, message: bytes, *, message_id: str, source_time: str | None
) -> None:
    """Logs a message from a twin, or from a component of it.

    Raises:
        AdtError: DigitalTwinNotFound or ComponentNotFound.
    """
    twin = tx.digital_twin(twin_id)
    if twin is None:
        raise errors.digital_twin_not_found(twin_id)
    if component is not None and not is_component(orjson.loads(twin.document).get(component)):
        raise errors.component_not_found(twin_id, component)
    time = source_time or twin_time(tx.now())
    tx.append_change(
        notifications.telemetry(twin_id, component, twin.model_id, message, message_id=message_id, time=time)
    )
