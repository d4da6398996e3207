"""The service's times, which have 100 ns, to and from `google.protobuf.Timestamp`."""

from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

_SECONDS: Final = len("2022-09-29T04:02:41")


def fill_timestamp(timestamp: Timestamp, text: str) -> None:
    """Sets a timestamp to a time such as `2022-09-29T04:02:41.3962211Z`, of any fraction and offset (ISO 8601).

    A text that is no such time leaves the timestamp as it is: a `sourceTime` is whatever its writer put there.
    """
    fraction, zone = text[_SECONDS:], "+00:00"
    if fraction.endswith("Z"):
        fraction = fraction[:-1]
    elif len(fraction) >= len(zone) and fraction[-6] in "+-":
        fraction, zone = fraction[:-6], fraction[-6:]
    try:
        seconds = int(datetime.fromisoformat(text[:_SECONDS] + zone).timestamp())
        nanos = int(fraction[1:10].ljust(9, "0")) if fraction else 0
    except ValueError:
        return
    timestamp.seconds = seconds
    timestamp.nanos = nanos


def timestamp_text(timestamp: Timestamp) -> str:
    """The time as the service writes it: UTC, seven decimals, `Z`.

    Raises:
        ValueError: for a time before the year 1 or after 9999.
    """
    try:
        moment = datetime.fromtimestamp(timestamp.seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{timestamp.nanos // 100:07d}Z"
