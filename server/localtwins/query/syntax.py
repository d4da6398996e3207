"""The syntax tree of a query.

Negation has no node of its own: `negated` moves it down to the comparisons. A comparison with an undefined value is
neither true nor false, and so is its negation; once every leaf has taken its negation in, the rest is plain AND and OR.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from localtwins.query.place import Place

FUNCTION_NAMES: Final = frozenset(
    [
        "ARRAY_CONTAINS",
        "CONTAINS",
        "ENDSWITH",
        "IS_BOOL",
        "IS_DEFINED",
        "IS_NULL",
        "IS_NUMBER",
        "IS_OBJECT",
        "IS_OF_MODEL",
        "IS_PRIMITIVE",
        "IS_STRING",
        "STARTSWITH",
    ]
)
"""The functions of the language; `functions` has what each is in SQL."""


@dataclass(frozen=True, slots=True)
class Name:
    """An alias, or the name of a relationship; `escaped` tells that it is written as `[[…]]`."""

    text: str
    place: Place
    escaped: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """A property or an alias; `escaped` tells that the first segment is written as `$…` or `[[…]]`."""

    segments: tuple[str, ...]
    escaped: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, boolean or null; `start` counts the characters before it."""

    value: str | int | float | bool | None
    place: Place
    start: int


Operand = Path | Literal


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands compared with = != < <= > >=."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Membership:
    """IN, or NIN if `negative`."""

    operand: Operand
    items: tuple[Literal, ...]
    negative: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or its negation."""

    function: Name
    arguments: tuple[Operand, ...]
    negative: bool


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two conditions; `operators` counts the ANDs and ORs within."""

    conditions: tuple["Condition", ...]
    operators: int


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two conditions; `operators` counts the ANDs and ORs within."""

    conditions: tuple["Condition", ...]
    operators: int


Condition = Comparison | Membership | Call | And | Or


@dataclass(frozen=True, slots=True)
class Projection:
    """The source of a member of each row; `alias` is the name given with AS."""

    path: Path
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Selection:
    """The list of projections, `count`, or neither for whole documents.

    Attributes:
        top: None without TOP.
        place: of a selection of whole documents, where it says so.
    """

    projections: tuple[Projection, ...] = ()
    count: bool = False
    top: int | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """JOIN `target` RELATED `source`.`relationship` [`alias`]."""

    target: Name
    source: Name
    relationship: Name
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Relationships:
    """FROM RELATIONSHIPS."""

    alias: Name | None


@dataclass(frozen=True, slots=True)
class DigitalTwins:
    """FROM DIGITALTWINS with any JOINs."""

    alias: Name | None
    joins: tuple[Join, ...]


class Direction(Enum):
    """The way that a relationship of a pattern leads, reading from left to right."""

    FORWARD = "->"
    BACKWARD = "<-"
    EITHER = "-"


@dataclass(frozen=True, slots=True)
class Edge:
    """A relationship of a pattern: any of `names`, or of any name if there are none, over `fewest` to `most` hops."""

    alias: Name | None
    names: tuple[str, ...]
    fewest: int
    most: int
    direction: Direction
    place: Place


@dataclass(frozen=True, slots=True)
class Match:
    """FROM DIGITALTWINS MATCH: nodes, None for one without a name, and between each two an edge."""

    nodes: tuple[Name | None, ...]
    edges: tuple[Edge, ...]


Source = DigitalTwins | Relationships | Match


@dataclass(frozen=True, slots=True)
class Query:
    """A query; `where_place` is that of the word WHERE, `end` the one behind the last character."""

    selection: Selection
    source: Source
    where: Condition | None
    where_place: Place | None = None
    end: Place | None = None


_OPPOSITES: Final = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def negated(condition: Condition) -> Condition:
    """Gives the condition that holds where this one is false, and is undefined where this one is."""
    match condition:
        case Comparison(left, operator, right):
            return Comparison(left, _OPPOSITES[operator], right)
        case Membership(operand, items, negative):
            return Membership(operand, items, not negative)
        case Call(function, arguments, negative):
            return Call(function, arguments, not negative)
        case And(conditions, operators):
            return Or(tuple(map(negated, conditions)), operators)
        case Or(conditions, operators):
            return And(tuple(map(negated, conditions)), operators)


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """Gives the conditions that must all hold."""
    match condition:
        case None:
            return ()
        case And(conditions, _):
            return tuple(inner for one in conditions for inner in conjuncts(one))
        case _:
            return (condition,)
