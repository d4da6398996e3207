"""Packs what a watch tells into messages of moderate size."""

from collections.abc import Callable
from typing import Any, Final

from twinfront.v1.change_service_pb2 import WatchResponse
from twinfront_server.wire.filling import FRAMING

MAX_BYTES: Final = 128 << 10
"""Bytes of the changes or items in one message at the most; a single larger one comes alone."""

MAX_ITEMS: Final = 500


class Packing:
    """A message that is being filled.

    Args:
        max_bytes: how many bytes its items may have.
        items_of: gives the list that items go to.
    """

    def __init__(self, max_bytes: int, items_of: Callable[[WatchResponse, Any], Any]) -> None:
        self._max_bytes = min(MAX_BYTES, max_bytes)
        self._items_of = items_of
        # Made for the first item: an empty one takes a kilobyte of each watch that has nothing to say.
        self._message: WatchResponse | None = None
        self._bytes = 0
        self._count = 0

    @property
    def is_empty(self) -> bool:
        """Tells whether there is nothing to send."""
        return self._count == 0

    def has_room_for(self, item: Any) -> bool:
        """Tells whether an item still goes in."""
        return not self._count or (
            self._count < MAX_ITEMS and self._bytes + item.ByteSize() + FRAMING <= self._max_bytes
        )

    def add(self, item: Any) -> None:
        """Adds an item, which is copied."""
        if self._message is None:
            self._message = WatchResponse()
        self._items_of(self._message, item).add().CopyFrom(item)
        self._bytes += item.ByteSize() + FRAMING
        self._count += 1

    def take(self, resume_token: str) -> WatchResponse:
        """Gives the message and begins an empty one."""
        message = self._message or WatchResponse()
        message.resume_token = resume_token
        self._message = None
        self._bytes = self._count = 0
        return message
