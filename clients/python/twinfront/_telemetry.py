"""Telemetry: its calls."""

from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp as TimestampMessage

from twinfront import _json
from twinfront._calls import Call
from twinfront.v1 import telemetry_service_pb2 as rpcs


def publish_telemetry(
    digital_twin_id: str, payload: object, *, message_id: str | None, source_time: datetime | None
) -> Call[rpcs.PublishTelemetryRequest, rpcs.PublishTelemetryResponse, str]:
    return Call(
        rpcs.PublishTelemetryRequest(
            digital_twin_id=digital_twin_id,
            payload_json=_json.dump(payload, "payload"),
            message_id=message_id or "",
            source_time=_time(source_time),
        ),
        lambda response: response.message_id,
    )


def publish_component_telemetry(
    digital_twin_id: str, component_name: str, payload: object, *, message_id: str | None, source_time: datetime | None
) -> Call[rpcs.PublishComponentTelemetryRequest, rpcs.PublishComponentTelemetryResponse, str]:
    return Call(
        rpcs.PublishComponentTelemetryRequest(
            digital_twin_id=digital_twin_id,
            component_name=component_name,
            payload_json=_json.dump(payload, "payload"),
            message_id=message_id or "",
            source_time=_time(source_time),
        ),
        lambda response: response.message_id,
    )


def _time(moment: datetime | None) -> Any:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("source_time has no time zone: give an aware datetime, datetime.now(UTC) for instance")
    message = TimestampMessage()
    message.FromDatetime(moment)
    return message
