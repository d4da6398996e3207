"""Compiled queries whose literals can be exchanged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from localtwins.query.parameters import Derived, Parameters, SqlValue
from localtwins.query.statement import Statement


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled shape of queries.

    Attributes:
        statement: that of the shape.
        derived: for each of its parameters that is made of a literal its place, the number of the literal, and how.
    """

    statement: Statement
    derived: tuple[tuple[int, int, Callable[[Any], SqlValue]], ...]

    @classmethod
    def of(cls, statement: Statement, parameters: Parameters, starts: Sequence[int]) -> Self | None:
        """Makes a template of a shape that has literals at the places `starts`, each of which must be bound."""
        numbers = {start: number for number, start in enumerate(starts)}
        found = [(at, entry) for at, entry in enumerate(parameters.entries) if isinstance(entry, Derived)]
        if {entry.literal.start for _, entry in found} != numbers.keys():
            return None
        return cls(statement, tuple((at, numbers[entry.literal.start], entry.make) for at, entry in found))

    def fill(self, text: str, values: Sequence[str | int | float]) -> Statement:
        """Gives the statement of a query of this shape, whose literals have these values."""
        shape = self.statement
        parameters = list(shape.parameters)
        for at, number, make in self.derived:
            parameters[at] = make(values[number])
        return Statement(text, shape.selected, shape.members, shape.rows, tuple(parameters), shape.top)
