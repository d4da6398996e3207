"""/digitaltwins/{id}[/components/{name}]/telemetry."""

from typing import Final

import orjson

from localtwins import errors
from localtwins.engine.clock import parse_time
from localtwins.engine.identifiers import check_twin_id
from localtwins.message import Response
from localtwins.operations import telemetry
from localtwins.rest.answers import no_content
from localtwins.rest.bodies import read_json
from localtwins.rest.call import Call

_NO_TIME: Final = "01/01/01 0:00:00 +00:00"
"""A time that the .NET SDK sends if it is given none, and that the service takes (recorded)."""


async def publish(call: Call, twin_id: str) -> Response:
    """Publishes a message from a twin."""
    return await _publish(call, twin_id, None)


async def publish_from_component(call: Call, twin_id: str, component: str) -> Response:
    """Publishes a message from a component."""
    return await _publish(call, twin_id, component)


async def _publish(call: Call, twin_id: str, component: str | None) -> Response:
    check_twin_id(twin_id)
    message_id = (call.header("message-id") or "").strip()
    if not message_id or not message_id.isprintable():
        raise errors.message_id_invalid()
    source_time = _source_time(call.header("telemetry-source-time"))
    message = orjson.dumps(await read_json(call))
    await call.write(
        lambda tx: telemetry.publish(tx, twin_id, component, message, message_id=message_id, source_time=source_time)
    )
    return no_content()


def _source_time(value: str | None) -> str | None:
    if value is None or value in {"", _NO_TIME}:
        return None
    try:
        parse_time(value)
    except ValueError:
        raise errors.source_time_invalid(value) from None
    return value.upper().replace(" ", "T")  # as all who read events understand it
