"""A query as one SQL statement."""

from collections.abc import Sequence
from dataclasses import dataclass

from localtwins.query.parameters import SqlValue


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled query.

    Each row of the SQL is one row of the answer: the JSON text of every member in `members`, NULL for what is left out,
    or of one whole document without `members`. Behind it come the `keys` that tell the row's place. `top` is how many
    rows the query wants at most; `collections` is how many twins and relationships make up a row.
    """

    query: str
    selected: tuple[str, ...]
    members: tuple[str, ...] | None
    source: str
    conditions: tuple[str, ...]
    keys: tuple[str, ...]
    parameters: tuple[SqlValue, ...]
    common_tables: tuple[str, ...] = ()
    repeated: bool = False
    top: int | None = None
    collections: int = 1

    def sql(self, after: Sequence[SqlValue], limit: int) -> tuple[str, tuple[SqlValue, ...]]:
        """Give the SQL for at most `limit` rows behind the one with the keys `after`, and what to bind to it."""
        parameters = list(self.parameters)
        conditions = list(self.conditions)

        def bind(value: SqlValue) -> str:
            parameters.append(value)
            return f"?{len(parameters)}"

        if after:
            keys, values = ", ".join(self.keys), ", ".join(map(bind, after))
            conditions.append(f"{keys} > {values}" if len(after) == 1 else f"({keys}) > ({values})")
        text = self._with() + f"SELECT {'DISTINCT ' if self.repeated else ''}{', '.join([*self.selected, *self.keys])}"
        text += f" FROM {self.source}"
        if conditions:
            text += f" WHERE {' AND '.join(conditions)}"
        if self.keys:
            text += f" ORDER BY {', '.join(self.keys)}"
        return f"{text} LIMIT {bind(limit)}", tuple(parameters)

    def _with(self) -> str:
        return f"WITH RECURSIVE {', '.join(self.common_tables)} " if self.common_tables else ""
