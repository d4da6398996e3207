"""A pattern in SQL: from the twin that the query pins, hop by hop outwards.

A single hop is a join. A hop of several is a recursive query over all that has been joined before it, and the joins go
on from its rows. The order of the joins is fixed (CROSS JOIN): without statistics SQLite cannot know that everything
hangs on the pinned twin.
"""

# ruff: noqa: S608  (the SQL is put together from our own pieces, and values are bound)

from collections.abc import Sequence
from dataclasses import dataclass

from localtwins.query.parameters import Parameters
from localtwins.query.pattern import Hop, Pattern
from localtwins.query.statement import Rows
from localtwins.query.syntax import Direction


@dataclass(frozen=True, slots=True)
class Term:
    """A condition that must hold, in SQL, and the tables that it refers to."""

    sql: str
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pin:
    """Names the twin, by its number, that a query narrows down by id, and tells whether to a `single` one."""

    twin: int
    single: bool


def traverse(
    pattern: Pattern, pin: Pin, terms: Sequence[Term], selected: frozenset[str], parameters: Parameters
) -> Rows:
    """Gives the rows that match a pattern and `terms`; `selected` are the tables that the selection refers to."""
    traversal = _Traversal(pattern, pin, terms, selected, parameters)
    remaining = list(enumerate(pattern.hops))
    while remaining:
        number, hop = next(item for item in remaining if traversal.reaches(item[1]))  # patterns are connected
        remaining.remove((number, hop))
        if hop.single:
            traversal.join(number, hop)
        else:
            traversal.walk(number, hop, last=not remaining)
    return traversal.rows()


class _Traversal:
    def __init__(
        self, pattern: Pattern, pin: Pin, terms: Sequence[Term], selected: frozenset[str], parameters: Parameters
    ) -> None:
        self._pattern = pattern
        self._terms = list(terms)
        self._selected = selected
        self._parameters = parameters
        table = f"t{pin.twin}"
        self._tables = f"digital_twins {table}"
        self._joined = {table}
        self._ids = {pin.twin: f"{table}.id"}  # the id of each twin reached
        self._relationships: dict[int, str] = {}  # the rowid of each relationship joined
        self._path: str | None = None  # the rowids on the way so far, each between commas, once there was a walk
        self._off_path: list[int] = []  # the relationships joined since then
        self._order = [] if pin.single and pattern.hops else [f"{table}.id"]
        self._common_tables: list[str] = []
        self._repeated = False

    def reaches(self, hop: Hop) -> bool:
        return hop.left in self._ids or hop.right in self._ids

    def join(self, number: int, hop: Hop) -> None:
        """Joins the relationship of a single hop, and the twin at its end if anything refers to it."""
        table = f"r{number}"
        left, right = self._ids.get(hop.left), self._ids.get(hop.right)
        if left and right:
            conditions = [_between(table, hop.direction, left, right)]
            self._order += [f"{table}.sort_key", f"{table}.id", f"{table}.source_id"]
        else:
            origin, direction = (left, hop.direction) if left else (str(right), _turned(hop.direction))
            conditions = [_leaving(table, direction, origin)]
            self._ids[hop.right if left else hop.left] = _end(table, direction, origin)
            # the order of the indexes over both ends of relationships
            source = [] if direction is Direction.FORWARD else [f"{table}.source_id"]
            self._order += [f"{table}.sort_key", f"{table}.id", *source]
        conditions += self._named(table, hop)
        if self._pattern.used_once:
            conditions += [f"{table}.rowid <> {self._relationships[other]}" for other in self._off_path]
            if self._path:
                conditions.append(_off(self._path, f"{table}.rowid"))
        self._relationships[number] = f"{table}.rowid"
        self._off_path.append(number)
        self._joined.add(table)
        self._tables += f" CROSS JOIN relationships {table} ON {' AND '.join(conditions)}"
        self._join_twins()

    def walk(self, number: int, hop: Hop, *, last: bool) -> None:
        """Follows a hop of several relationships by a recursive query over the rows so far."""
        name = f"w{number}"
        origin, direction, end = (
            (hop.left, hop.direction, hop.right)
            if hop.left in self._ids
            else (hop.right, _turned(hop.direction), hop.left)
        )
        tracked = self._tracks(number, hop)
        columns = {f"n{twin}": sql for twin, sql in self._ids.items()}
        columns |= {f"r{relationship}": sql for relationship, sql in self._relationships.items()}
        if tracked:
            columns["path"] = self._path_so_far()
        elif self._path:
            columns["path"] = self._path
        here, table = f"{name}.here", "step"
        conditions = [_leaving(table, direction, here), *self._named(table, hop), f"{name}.depth < {hop.most}"]
        stepped = {column: f"{name}.{column}" for column in columns}
        if tracked:
            conditions.append(_off(f"{name}.path", f"{table}.rowid"))
            stepped["path"] = f"{name}.path || {table}.rowid || ','"
        before = tuple(term.sql for term in self._terms if term.tables <= self._joined)
        self._terms = [term for term in self._terms if not term.tables <= self._joined]
        seed = Rows(self._tables, before, ()).sql([*columns.values(), self._ids[origin], "0"])
        step = (
            f"SELECT {', '.join([*stepped.values(), _end(table, direction, here)])}, {name}.depth + 1"
            f" FROM {name} CROSS JOIN relationships {table} ON {' AND '.join(conditions)}"
        )
        # Paths are followed to their ends one after another, so that few of them are remembered at a time.
        union = f"{seed} UNION ALL {step} ORDER BY {len(columns) + 2} DESC" if tracked else f"{seed} UNION {step}"
        self._common_tables.append(f"{name} ({', '.join([*columns, 'here', 'depth'])}) AS ({union})")
        if last:
            columns.pop("path", None)
        self._resume(name, list(columns), hop, end)

    def _resume(self, name: str, columns: list[str], hop: Hop, end: int) -> None:
        """Goes on from the rows of a walk."""
        found = [f"depth >= {hop.fewest}"]
        if end in self._ids:
            found.append(f"here = n{end}")
            selected = columns
        else:
            selected = [*columns, f"here AS n{end}"]
        distinct = "" if "path" in columns else "DISTINCT "  # no path comes twice
        self._tables = f"(SELECT {distinct}{', '.join(selected)} FROM {name} WHERE {' AND '.join(found)}) {name}"
        self._repeated = self._repeated or "path" in columns
        self._ids = {twin: f"{name}.n{twin}" for twin in [*self._ids, end]}
        self._relationships = {number: f"{name}.r{number}" for number in self._relationships}
        self._path = f"{name}.path" if "path" in columns else None
        self._joined = set()
        for number, sql in self._relationships.items():
            if self._needs(f"r{number}"):
                self._tables += f" CROSS JOIN relationships r{number} ON r{number}.rowid = {sql}"
                self._joined.add(f"r{number}")
        self._join_twins()

    def rows(self) -> Rows:
        order = [*self._ids.values(), *self._relationships.values()] if self._common_tables else self._order
        return Rows(
            self._tables,
            tuple(term.sql for term in self._terms),
            tuple(order),
            tuple(self._common_tables),
            self._repeated,
        )

    def _join_twins(self) -> None:
        for twin, sql in self._ids.items():
            table = f"t{twin}"
            if table not in self._joined and self._needs(table):
                self._tables += f" CROSS JOIN digital_twins {table} ON {table}.id = {sql}"
                self._joined.add(table)

    def _needs(self, table: str) -> bool:
        return table in self._selected or any(table in term.tables for term in self._terms)

    def _tracks(self, number: int, hop: Hop) -> bool:
        """Tells whether a walk has to remember its path in order to use no relationship twice.

        Whatever can be reached along directed relationships in at most n hops can be reached without using one twice,
        so a walk need not if it has no lower limit and no other hop can take its relationships.
        """
        others = (other for at, other in enumerate(self._pattern.hops) if at != number)
        return hop.direction is Direction.EITHER or hop.fewest > 1 or any(map(hop.may_share, others))

    def _path_so_far(self) -> str:
        path = self._path or "','"
        for number in self._off_path:
            path += f" || {self._relationships[number]} || ','"
        self._off_path = []
        return path

    def _named(self, table: str, hop: Hop) -> list[str]:
        names = [self._parameters.bind(name) for name in hop.names]
        if len(names) == 1:
            return [f"{table}.name = {names[0]}"]  # a list of one would make 3 hops take a twentieth longer
        return [f"{table}.name IN ({', '.join(names)})"] if names else []


def _turned(direction: Direction) -> Direction:
    turned = {Direction.FORWARD: Direction.BACKWARD, Direction.BACKWARD: Direction.FORWARD}
    return turned.get(direction, direction)


def _leaving(table: str, direction: Direction, twin: str) -> str:
    match direction:
        case Direction.FORWARD:
            return f"{table}.source_id = {twin}"
        case Direction.BACKWARD:
            return f"{table}.target_id = {twin}"
        case Direction.EITHER:
            return f"({table}.source_id = {twin} OR {table}.target_id = {twin})"


def _end(table: str, direction: Direction, origin: str) -> str:
    """Gives the id of the twin at the other end of a relationship."""
    match direction:
        case Direction.FORWARD:
            return f"{table}.target_id"
        case Direction.BACKWARD:
            return f"{table}.source_id"
        case Direction.EITHER:
            return f"iif({table}.source_id = {origin}, {table}.target_id, {table}.source_id)"


def _between(table: str, direction: Direction, left: str, right: str) -> str:
    forward = f"{table}.source_id = {left} AND {table}.target_id = {right}"
    backward = f"{table}.source_id = {right} AND {table}.target_id = {left}"
    match direction:
        case Direction.FORWARD:
            return forward
        case Direction.BACKWARD:
            return backward
        case Direction.EITHER:
            return f"({forward} OR {backward})"


def _off(path: str, rowid: str) -> str:
    return f"instr({path}, ',' || {rowid} || ',') = 0"
