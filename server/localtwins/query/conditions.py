"""WHERE in SQL."""

from collections.abc import Collection as SizedCollection
from collections.abc import Iterable
from typing import Final

from localtwins.query import syntax
from localtwins.query.functions import call
from localtwins.query.operands import Operands, compare, within
from localtwins.query.properties import has_column_or_index
from localtwins.query.scope import Scope
from localtwins.query.syntax import Comparison, Condition, Literal, Membership, Path
from localtwins.query.traversal import Pin

_RANGES: Final = frozenset(["<", "<=", ">", ">="])


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
            test = compare(operator, operands.value(left), operands.value(right))
            mentioned = operands.mentioned(left, right) if operator == "=" else None
            return f"({mentioned} AND {test})" if mentioned else f"({test})"
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


def is_scattered(condition: Condition, scope: Scope, indexed: SizedCollection[str]) -> bool:
    """Tells whether there is an index over a single collection that finds the rows of a condition out of their order.

    It finds those with one value in their order, and those with several one value after another.
    """
    match condition:
        case syntax.Call(function, arguments, False) if function.text.upper() == "IS_OF_MODEL":
            return isinstance(arguments[-1], Literal)  # with `exact` it is one model
        case syntax.Call(function, (Path() as path, *_), False) if function.text.upper() == "STARTSWITH":
            pass
        case Membership(Path() as path, _, False):
            pass
        case Comparison(Path() as path, operator, Literal()) | Comparison(Literal(), operator, Path() as path):
            if operator not in _RANGES:
                return False
        case _:
            return False
    return has_column_or_index(*scope.resolve(path), indexed)


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
