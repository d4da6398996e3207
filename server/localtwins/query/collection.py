"""The twins or relationships that a query ranges over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Collection:
    """Twins or relationships that a query ranges over."""

    number: int
    of_twins: bool

    @property
    def table(self) -> str:
        """Gives the alias of their table in SQL."""
        return f"{'t' if self.of_twins else 'r'}{self.number}"
