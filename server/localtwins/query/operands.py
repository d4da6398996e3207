"""Operands and their comparison in SQL.

SQL here need not tell false from undefined: negations have been moved into the comparisons (see `syntax`), and a row is
taken only where a condition is true. The rules:

- `=` and `!=` compare numbers, strings and booleans within their type; values of different types are unequal.
- `<` and its like compare numbers with numbers and strings, by code points, with strings.
- Everything else is undefined: an absent value, two objects or arrays, an order between types.
- `null` equals null and an absent value.
"""

from collections.abc import Callable
from collections.abc import Collection as SizedCollection
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from types import NoneType
from typing import Any, Final

from localtwins.query.errors import sql_query_error
from localtwins.query.mentions import is_found, mention
from localtwins.query.parameters import Parameters
from localtwins.query.properties import column, has_column_or_index, locate
from localtwins.query.scope import Scope
from localtwins.query.syntax import Literal, Operand

FALSE: Final = "0"
TRUE: Final = "1"
_SWAPPED: Final = {"=": "=", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


class Kind(Enum):
    """The type of an operand that has the same one whatever the data."""

    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    NULL = "null"


_LISTED: Final = {Kind.NUMBER, Kind.STRING}


@dataclass(frozen=True, slots=True)
class Value:
    """An operand in SQL.

    Attributes:
        comparable: the number or string, NULL for anything else.
        type: the JSON type as SQLite names it, NULL for an absent value.
        kind: None if the data decide.
    """

    comparable: str
    type: str
    kind: Kind | None = None


class Operands:
    """Writes the operands of a query over the collections of a scope.

    Args:
        scope: the collections.
        parameters: take the values that are bound.
        indexed: the properties of twins that are found by their index.
    """

    def __init__(self, scope: Scope, parameters: Parameters, indexed: SizedCollection[str]) -> None:
        self.scope = scope
        self.parameters = parameters
        self._indexed = indexed

    def value(self, operand: Operand) -> Value:
        """Gives the SQL of an operand.

        Raises:
            AdtError: SqlQueryError for an alias, which has no value to compare.
        """
        if isinstance(operand, Literal):
            return self._literal(operand)
        collection, segments = self.scope.resolve(operand)
        if not segments:
            message = f"'{operand.segments[0]}' is an alias, and a property is needed here"
            raise sql_query_error(operand.place, message)
        stored = column(collection, segments)
        if stored is not None:
            return Value(stored, "'text'", Kind.STRING)
        found = locate(collection, segments, self.parameters, self._indexed)
        return Value(found.comparable, found.type)

    def mentioned(self, one: Operand, other: Operand, mention: Callable[[str, Any], str] = mention) -> str | None:
        """Gives SQL that is true wherever a property in a document equals a string or a number, None if there is none.

        It only saves the time to look closer, so there is none for a property that has an index. With another `mention`
        it is true of another relation than equality.
        """
        path, literal = (other, one) if isinstance(one, Literal) else (one, other)
        if isinstance(path, Literal) or not isinstance(literal, Literal) or isinstance(literal.value, (bool, NoneType)):
            return None
        collection, segments = self.scope.resolve(path)
        if has_column_or_index(collection, segments, self._indexed):
            return None
        if not all(map(is_found, segments)):
            return None
        pattern = self.parameters.bind_literal(literal, partial(mention, segments[-1]))
        return f"{collection.table}.document GLOB {pattern}"

    def _literal(self, literal: Literal) -> Value:
        value = literal.value
        if value is None:
            return Value("NULL", "'null'", Kind.NULL)
        if isinstance(value, bool):
            return Value("NULL", "'true'" if value else "'false'", Kind.BOOLEAN)
        if isinstance(value, str):
            return Value(self.parameters.bind_literal(literal), "'text'", Kind.STRING)
        return Value(self.parameters.bind_literal(literal), "'real'", Kind.NUMBER)


def is_null(value: Value) -> str:
    """Gives the SQL that is true for null and for an absent value."""
    return f"({value.type} IS NULL OR {value.type} = 'null')"


def compare(operator: str, left: Value, right: Value) -> str:
    """Gives the SQL of a comparison."""
    if Kind.NULL in {left.kind, right.kind}:
        other = right if left.kind is Kind.NULL else left
        return {"=": is_null(other), "!=": f"NOT {is_null(other)}"}.get(operator, FALSE)
    if left.kind and right.kind:
        return _compare_known(operator, left, right)
    if left.kind:
        left, right, operator = right, left, _SWAPPED[operator]
    if right.kind is None:
        return _compare_unknown(operator, left, right)
    if right.kind is Kind.BOOLEAN:
        return {"=": f"{left.type} = {right.type}", "!=": f"{left.type} <> {right.type}"}.get(operator, FALSE)
    return _compare_with_known(operator, left, right)


def _compare_known(operator: str, left: Value, right: Value) -> str:
    if left.kind is not right.kind:
        return TRUE if operator == "!=" else FALSE
    if left.kind is Kind.BOOLEAN:
        equal = left.type == right.type
        return TRUE if (operator == "=" and equal) or (operator == "!=" and not equal) else FALSE
    return f"{left.comparable} {operator} {right.comparable}"


def _compare_with_known(operator: str, left: Value, right: Value) -> str:
    """Compares a value whose type the data decide with a number or a string.

    The empty string lies between all numbers and all other strings.
    """
    right = _without_affinity(right)
    test = f"{left.comparable} {operator} {right.comparable}"
    if operator == "!=":
        return f"({test} OR {left.comparable} IS NULL AND {left.type} IS NOT NULL)"
    if right.kind is Kind.NUMBER and operator in {">", ">="}:
        return f"{test} AND {left.comparable} < ''"
    if right.kind is Kind.STRING and operator in {"<", "<="}:
        return f"{test} AND {left.comparable} >= ''"
    return test


def _compare_unknown(operator: str, left: Value, right: Value) -> str:
    equal = (
        f"({left.comparable} = {right.comparable} OR {left.type} = {right.type} AND {left.type} IN ('true', 'false'))"
    )
    if operator == "=":
        return equal
    if operator == "!=":
        return (
            f"{left.type} IS NOT NULL AND {right.type} IS NOT NULL AND {equal} IS NOT TRUE"
            f" AND NOT ({left.type} IN ('object', 'array') AND {right.type} IN ('object', 'array'))"
        )
    return f"{left.comparable} {operator} {right.comparable} AND ({left.comparable} < '') = ({right.comparable} < '')"


def _without_affinity(value: Value) -> Value:
    """Keeps a column of texts from turning the numbers that it is compared with into texts."""
    return replace(value, comparable=f"+{value.comparable}")


def within(value: Value, items: list[Value]) -> str:
    """Gives the SQL that is true if a value equals one of the literals."""
    listed = [item.comparable for item in items if item.kind in _LISTED and value.kind in {None, item.kind}]
    tests = [compare("=", value, item) for item in items if item.kind not in _LISTED]
    if listed:
        tests.append(f"{value.comparable} IN ({', '.join(listed)})")
    return f"({' OR '.join(tests) or FALSE})"
