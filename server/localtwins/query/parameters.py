"""The values that a query binds to its SQL statement; nothing that a caller wrote becomes part of the SQL itself."""

SqlValue = str | int | float


class Parameters:
    """Numbers the values, equal ones alike."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[type, SqlValue], int] = {}

    def bind(self, value: SqlValue) -> str:
        """Give the SQL parameter that stands for a value."""
        return f"?{self._numbers.setdefault((type(value), value), len(self._numbers) + 1)}"

    @property
    def values(self) -> tuple[SqlValue, ...]:
        """The values in the order of their numbers."""
        return tuple(value for _, value in self._numbers)
