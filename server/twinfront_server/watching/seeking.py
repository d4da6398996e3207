"""Finds where, in the order of ids, the next digital twin lies that a filter is for: what is between is not read."""

from bisect import bisect_right
from typing import Final

from twinfront_server.upstream.changes.source import Items
from twinfront_server.watching.place import InState
from twinfront_server.wire.change_filter import Wanted

_LAST: Final = "\U0010ffff"
"""The last of all characters, which is in no id."""

_SURROGATES: Final = range(0xD800, 0xE000)


class Seeking:
    """Goes through the ids of a filter.

    Args:
        wanted: the filter.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._starts = sorted({*wanted.ids, *wanted.prefixes})

    def place(self, here: InState) -> str | None:
        """Gives a place at or behind this one, before all that is still wanted; None if nothing is."""
        if self._wanted.is_for_all_ids:
            return here.after
        source_id = here.after.partition("/")[0]  # which is in no id
        if source_id and self._may_go_on_at(source_id, here.items):
            return here.after
        start = self._next(source_id)
        return None if start is None else before(start)

    def size(self, place: str, items: Items, most: int) -> int:
        """Gives how many items are to be read behind a place: one, if it lies before one twin that is named."""
        start = self._next(place)
        if start is None or start not in self._wanted.ids or start.startswith(self._wanted.prefixes):
            return most
        return 1 if items is Items.DIGITAL_TWINS and place == before(start) else most

    def _may_go_on_at(self, digital_twin_id: str, items: Items) -> bool:
        """Tells whether what is wanted may lie directly behind an item of a twin."""
        if digital_twin_id.startswith(self._wanted.prefixes):
            return True
        return items is Items.RELATIONSHIPS and digital_twin_id in self._wanted.ids

    def _next(self, digital_twin_id: str) -> str | None:
        index = bisect_right(self._starts, digital_twin_id)
        return self._starts[index] if index < len(self._starts) else None


def before(text: str) -> str:
    """Gives a text that comes before another one, with nothing between the two that is an id."""
    last = ord(text[-1]) - 1
    if last in _SURROGATES:
        last = _SURROGATES.start - 1
    return text[:-1] + (chr(last) + _LAST if last >= 0 else "")
