"""The values that a query binds to its SQL statement; no text of a caller becomes part of the SQL itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localtwins.query.syntax import Literal

SqlValue = str | int | float | bytes


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that is made of a literal of the query. The SQL around it must be right for every literal of its type."""

    literal: Literal
    make: Callable[[Any], SqlValue]


def _unchanged(value: SqlValue) -> SqlValue:
    return value


class Parameters:
    """Numbers the values, constant ones that are equal alike."""

    def __init__(self) -> None:
        self._constants: dict[SqlValue, str] = {}
        self.entries: list[SqlValue | Derived] = []

    def bind(self, value: str) -> str:
        """Gives the SQL parameter that stands for a text that is part of the query but no literal."""
        if value not in self._constants:
            self._constants[value] = self._add(value)
        return self._constants[value]

    def bind_literal(self, literal: Literal, make: Callable[[Any], SqlValue] = _unchanged) -> str:
        """Gives the SQL parameter that stands for the value of a string or a number, or for what `make` makes of it."""
        return self._add(Derived(literal, make))

    @property
    def values(self) -> tuple[SqlValue, ...]:
        """Gives the values in the order of their numbers."""
        return tuple(entry.make(entry.literal.value) if isinstance(entry, Derived) else entry for entry in self.entries)

    def _add(self, entry: SqlValue | Derived) -> str:
        self.entries.append(entry)
        return f"?{len(self.entries)}"
