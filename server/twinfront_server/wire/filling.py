"""Filling up the lists of messages, as far as the messages may go.

What a message takes up is bounded by those who receive it: gRPC's clients take 4 MiB unless they are told otherwise,
and the server's own largest response may be smaller.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

RECEIVED_BY_DEFAULT: Final = 4 << 20
"""The bytes of a message that gRPC's clients take in unless they are told otherwise."""

FRAMING: Final = 8
"""The bytes of a field's tag and length, at the most."""

Fill: TypeAlias = Callable[[Any, Any], None]
"""Sets an empty message to an item."""


def room_for_items(message_bytes: int) -> int:
    """Gives the bytes of items that a message of a size has room for; a sixteenth is left to the token beside them."""
    return message_bytes * 15 // 16


class Filling:
    """Fills a list of a message with items, for as long as they have room.

    Attributes:
        count: how many items the list has.
        bytes: what they take up.

    Args:
        items: the list, an empty repeated field of messages.
        fill: sets an empty message to an item.
        max_bytes: how many bytes the items may take up together; a larger one goes alone.
        max_items: how many there may be; None for any number.
    """

    def __init__(self, items: Any, fill: Fill, *, max_bytes: int, max_items: int | None = None) -> None:
        self._items = items
        self._fill = fill
        self._max_bytes = max_bytes
        self._max_items = max_items
        self.count = 0
        self.bytes = 0

    def add(self, item: Any) -> bool:
        """Adds an item; False if it has no room, and the list is as it was."""
        if self.count == self._max_items:
            return False
        message = self._items.add()
        self._fill(message, item)
        size = message.ByteSize() + FRAMING
        if self.count and self.bytes + size > self._max_bytes:
            del self._items[-1]
            return False
        self.count += 1
        self.bytes += size
        return True
