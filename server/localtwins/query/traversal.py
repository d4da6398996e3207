"""A pattern in SQL: from the twin that the query pins, hop by hop outwards.

A single hop is a join. A hop of several is a recursive query over all that has been joined before it, and the join goes
on from its rows. The order of the joins is fixed (CROSS JOIN): without statistics SQLite cannot know that everything
hangs on the pinned twin.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from localtwins.query.parameters import Parameters
from localtwins.query.pattern import Hop, Pattern
from localtwins.query.syntax import Direction


@dataclass(frozen=True, slots=True)
class Term:
    """A condition that must hold, in SQL, and the tables that it refers to."""

    sql: str
    tables: frozenset[str]


@dataclass(slots=True)
class Rows:
    """What rows are selected from.

    `keys` tell one row from another and give the order. With `repeated` the same keys may come up more than once.
    """

    tables: str
    conditions: list[str]
    keys: list[str]
    common_tables: list[str] = field(default_factory=list)
    repeated: bool = False


def traverse(
    pattern: Pattern, start: int, terms: Iterable[Term], selected: frozenset[str], parameters: Parameters
) -> Rows:
    """Give the rows that match a pattern, found from the twin numbered `start`.

    `selected` are the tables that the selection refers to.
    """
    traversal = _Traversal(pattern, start, list(terms), selected, parameters)
    remaining = list(enumerate(pattern.hops))
    while remaining:
        # patterns are connected
        number, hop = next(item for item in remaining if traversal.reaches(item[1]))
        remaining.remove((number, hop))
        if hop.single:
            traversal.join(number, hop)
        else:
            traversal.walk(number, hop, more=bool(remaining))
    return traversal.rows


class _Traversal:
    def __init__(
        self, pattern: Pattern, start: int, terms: list[Term], selected: frozenset[str], parameters: Parameters
    ) -> None:
        self._pattern = pattern
        self._terms = terms
        self._selected = selected
        self._parameters = parameters
        self._walks = any(not hop.single for hop in pattern.hops)
        self._ids = {start: f"t{start}.id"}  # SQL of the id of each twin reached
        self._relationships: dict[int, str] = {}  # SQL of the rowid of each relationship joined
        self._path: str | None = None  # SQL of the rowids on the paths walked, each between commas
        self._off_path: list[int] = []  # the relationships joined since then
        self._joined = {f"t{start}"}
        self._tables = f"digital_twins t{start}"
        self._keys: list[str | int] = [f"t{start}.id"]  # as SQL, or as the number of a twin
        self._common_tables: list[str] = []
        self._repeated = False

    @property
    def rows(self) -> Rows:
        keys = [self._ids[key] if isinstance(key, int) else key for key in self._keys]
        conditions = [term.sql for term in self._terms]
        return Rows(self._tables, conditions, keys, self._common_tables, self._repeated)

    def reaches(self, hop: Hop) -> bool:
        return hop.left in self._ids or hop.right in self._ids
