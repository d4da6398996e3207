"""WHERE in SQL."""

from collections.abc import Iterable

from localtwins.query import syntax
from localtwins.query.functions import call
from localtwins.query.operands import Operands, compare, within
from localtwins.query.scope import Scope
from localtwins.query.syntax import Comparison, Condition, Literal, Membership, Path
from localtwins.query.traversal import Pin


def sql(condition: Condition, operands: Operands) -> str:
    """Gives an SQL expression that is true where the condition is, to be used among ANDs.

    Raises:
        AdtError: SqlQueryError.
    """
    match condition:
        case syntax.And(inner, _):
            return " AND ".join(sql(one, operands) for one in _deepest_first(inner))
        case syntax.Or(inner, _):
            return f"({' OR '.join(sql(one, operands) for one in _deepest_first(inner))})"
        case Comparison(left, operator, right):
            return f"({compare(operator, operands.value(left), operands.value(right))})"
        case Membership():
            return f"({_membership(condition, operands)})"
        case syntax.Call(_, _, negative):
            test = call(condition, operands)
            return f"({test}) IS NOT TRUE" if negative else f"({test})"


def _deepest_first(conditions: Iterable[Condition]) -> list[Condition]:
    """Orders conditions so that SQLite's parser, whose stack is small, remembers nothing while it reads the deepest."""
    return sorted(conditions, key=lambda one: getattr(one, "operators", 0), reverse=True)


def _membership(condition: Membership, operands: Operands) -> str:
    value = operands.value(condition.operand)
    found = within(value, [operands.value(item) for item in condition.items])
    return f"{value.type} IS NOT NULL AND {found} IS NOT TRUE" if condition.negative else found


def pinned_twins(condition: Condition, scope: Scope) -> Pin | None:
    """Gives the twins that a condition narrows down by their id, or None."""
    match condition:
        case Comparison(Path() as path, "=", Literal()) | Comparison(Literal(), "=", Path() as path):
            single = True
        case Membership(Path() as path, _, False):
            single = False
        case _:
            return None
    collection, segments = scope.resolve(path)
    return Pin(collection.number, single) if collection.of_twins and segments == ("$dtId",) else None
