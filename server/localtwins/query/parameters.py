"""The values that a query binds to its SQL statement; no text of a caller becomes part of the SQL itself."""

SqlValue = str | int | float


class Parameters:
    """Numbers the values, equal ones alike."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[type, SqlValue], int] = {}

    def bind(self, value: SqlValue) -> str:
        """Gives the SQL parameter that stands for a value."""
        return f"?{self._numbers.setdefault((type(value), value), len(self._numbers) + 1)}"

    @property
    def values(self) -> tuple[SqlValue, ...]:
        """Gives the values in the order of their numbers."""
        return tuple(value for _, value in self._numbers)
