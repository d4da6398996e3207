"""A cache bounded by the size of its values."""

from typing import Generic, TypeVar

T = TypeVar("T")


class SizedCache(Generic[T]):
    """Keeps the values that were used last, up to a number of bytes in all; the last one whatever its size."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: dict[str, tuple[T, int]] = {}  # in the order of use

    def get(self, key: str) -> T | None:
        """Gives the value under a key, or None."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        self._entries[key] = entry
        return entry[0]

    def put(self, key: str, value: T, size: int) -> None:
        """Keeps a value of so many bytes, and drops the values that were not used for longest if that is too much."""
        self.forget(key)
        self._entries[key] = (value, size)
        self._bytes += size
        while self._bytes > self._most_bytes and len(self._entries) > 1:
            self.forget(next(iter(self._entries)))

    def forget(self, key: str) -> None:
        """Drops a key if it is there."""
        _, size = self._entries.pop(key, (None, 0))
        self._bytes -= size
