"""The request of a watch: what it is to do, checked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import change_service_pb2 as messages
from twinfront_server.errors import invalid_argument
from twinfront_server.wire.change_filter import Wanted, wanted_changes
from twinfront_server.wire.representation import wants_json
from twinfront_server.wire.timestamp import timestamp_text

SHORTEST_INTERVAL: Final = 1.0
LONGEST_INTERVAL: Final = 300.0
_DEFAULT_INTERVAL: Final = 30.0
"""Seconds between two checkpoints."""

_NANO: Final = 1e-9
_CLOCKS_DIFFER_BY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Options of a watch.

    Attributes:
        start_time: from when on changes come; None if that is not how it begins.
        has_state: whether the state comes before the changes, and
        has_relationships: the relationships with it.
        resyncs: whether the state comes again when changes are lost.
        has_resources: whether an update comes with the resource.
        as_json: whether resources come as JSON.
        checkpoint_interval: seconds.
        wanted: which changes come.
    """

    start_time: datetime | None
    has_state: bool
    has_relationships: bool
    resyncs: bool
    has_resources: bool
    as_json: bool
    checkpoint_interval: float
    wanted: Wanted


def watch_options(request: messages.WatchRequest) -> WatchOptions:
    """Reads a request.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a number that an enum does not have, fields that do not go together, a
            time or an interval out of bounds, or a bad filter.
    """
    _require_one_of(messages.InitialState, request.initial_state, "initial_state", "an InitialState")
    _require_one_of(messages.OnExpired, request.on_expired, "on_expired", "an OnExpired")
    _require_one_of(messages.ChangeContent, request.content, "content", "a ChangeContent")
    has_state = request.initial_state in {messages.INITIAL_STATE_TWINS, messages.INITIAL_STATE_GRAPH}
    resyncs = request.on_expired == messages.ON_EXPIRED_RESYNC
    if resyncs and not has_state:
        raise invalid_argument("on_expired", "ON_EXPIRED_RESYNC needs initial_state: it says what is sent anew")
    start_time = None
    if request.HasField("start_time"):
        if request.resume_token or has_state:
            raise invalid_argument("start_time", "does not go together with resume_token or initial_state")
        start_time = _start_time(request.start_time)
    return WatchOptions(
        start_time=start_time,
        has_state=has_state,
        has_relationships=request.initial_state == messages.INITIAL_STATE_GRAPH,
        resyncs=resyncs,
        has_resources=request.content == messages.CHANGE_CONTENT_AFTER,
        as_json=wants_json(request.representation),
        checkpoint_interval=_interval(request) if request.HasField("checkpoint_interval") else _DEFAULT_INTERVAL,
        wanted=wanted_changes(request.filter),
    )


def _require_one_of(enum: object, number: int, field: str, what: str) -> None:
    if number not in enum.values():  # type: ignore[attr-defined]  # the stubs have no common type for enums
        raise invalid_argument(field, f"{number} is not {what}")


def _start_time(timestamp: Timestamp) -> datetime:
    try:
        timestamp_text(timestamp)
        time = timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        message = "is not a time between the years 1 and 9999, with nanos from 0 to 999999999"
        raise invalid_argument("start_time", message) from None
    if time > datetime.now(UTC) + _CLOCKS_DIFFER_BY:
        raise invalid_argument("start_time", "is in the future; a watch from now on has none")
    return time


def _interval(request: messages.WatchRequest) -> float:
    interval: Duration = request.checkpoint_interval
    seconds = interval.seconds + interval.nanos * _NANO
    if not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL:
        message = f"must be from {SHORTEST_INTERVAL:g} second to {LONGEST_INTERVAL:g} seconds"
        raise invalid_argument("checkpoint_interval", message)
    return seconds
