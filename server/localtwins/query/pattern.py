"""FROM as a pattern of twins and the relationships between them, which JOIN and MATCH have in common."""

from dataclasses import dataclass, field

from localtwins.query import syntax
from localtwins.query.collection import Collection
from localtwins.query.errors import sql_query_error
from localtwins.query.scope import Scope
from localtwins.query.syntax import Direction


@dataclass(frozen=True, slots=True)
class Hop:
    """A relationship from the twin numbered `left` to the one numbered `right`, of one of `names` or of any."""

    left: int
    right: int
    names: tuple[str, ...]
    direction: Direction = Direction.FORWARD
    fewest: int = 1
    most: int = 1

    @property
    def single(self) -> bool:
        """Tells whether it is exactly one relationship."""
        return self.most == 1

    def may_share(self, other: "Hop") -> bool:
        """Tells whether one relationship can belong to both."""
        return not self.names or not other.names or not set(self.names).isdisjoint(other.names)


@dataclass(slots=True)
class Pattern:
    """Twins, numbered from 0, and the hops between them.

    Attributes:
        used_once: true if no relationship stands for two hops of a match, nor comes twice in a hop of several.
    """

    used_once: bool
    twins: int = 0
    hops: list[Hop] = field(default_factory=list)

    def add_twin(self) -> int:
        """Adds a twin and gives its number."""
        self.twins += 1
        return self.twins - 1


def of_joins(source: syntax.DigitalTwins, scope: Scope) -> Pattern:
    """Makes the pattern of FROM DIGITALTWINS and its JOINs, and declares its aliases.

    Raises:
        AdtError: SqlQueryError for a JOIN from something that is no twin, or too many of them.
    """
    pattern = Pattern(used_once=False)
    scope.declare(source.alias, Collection(pattern.add_twin(), of_twins=True))
    for join in source.joins:
        origin = scope.aliases.get(join.source.text)
        if origin is None or not origin.of_twins:
            message = f"'{join.source.text}' is not the alias of twins that FROM or a JOIN before this one introduces"
            raise sql_query_error(join.source.place, message)
        target = pattern.add_twin()
        scope.declare(join.target, Collection(target, of_twins=True))
        scope.declare(join.alias, Collection(len(pattern.hops), of_twins=False))
        pattern.hops.append(Hop(origin.number, target, (join.relationship.text,)))
    return pattern


def of_match(source: syntax.Match, scope: Scope) -> Pattern:
    """Makes the pattern of a MATCH and declares its aliases; a name that comes again is the same twin."""
    pattern = Pattern(used_once=True)
    numbers: dict[str, int] = {}
    places: list[int] = []
    for node in source.nodes:
        if node is None:
            places.append(pattern.add_twin())
            continue
        if node.text not in numbers:
            numbers[node.text] = pattern.add_twin()
        scope.declare(node, Collection(numbers[node.text], of_twins=True))
        places.append(numbers[node.text])
    for number, edge in enumerate(source.edges):
        scope.declare(edge.alias, Collection(number, of_twins=False))
        left, right = places[number], places[number + 1]
        pattern.hops.append(Hop(left, right, edge.names, edge.direction, edge.fewest, edge.most))
    return pattern
