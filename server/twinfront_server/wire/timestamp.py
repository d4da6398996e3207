"""The service's times, which have 100 ns, to and from `google.protobuf.Timestamp`."""

import re
from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

_FRACTION: Final = re.compile(r"[.,](\d{1,9})", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_DAY: Final = 86_400
_NANOS_PER_SECOND: Final = 1_000_000_000


def fill_timestamp(timestamp: Timestamp, text: str) -> None:
    """Sets a timestamp to a time such as `2022-09-29T04:02:41.3962211Z`, of any ISO 8601 form; UTC if it names no zone.

    A text that is no such time leaves the timestamp as it is: a `sourceTime` is whatever its writer put there.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, TypeError, ValueError):
        return
    since = moment - _EPOCH
    # datetime keeps microseconds only.
    fraction = _FRACTION.search(text)
    timestamp.seconds = since.days * _SECONDS_PER_DAY + since.seconds
    timestamp.nanos = int(fraction[1].ljust(9, "0")) if fraction else 0


def timestamp_text(timestamp: Timestamp) -> str:
    """Gives the time as the service writes it: UTC, seven decimals, `Z`.

    Raises:
        ValueError: for a time before the year 1 or after 9999, or nanoseconds that are no fraction of a second.
    """
    if not 0 <= timestamp.nanos < _NANOS_PER_SECOND:
        raise ValueError("nanos must be from 0 to 999999999")
    try:
        moment = datetime.fromtimestamp(timestamp.seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error
    return f"{moment.replace(tzinfo=None).isoformat()}.{timestamp.nanos // 100:07d}Z"
