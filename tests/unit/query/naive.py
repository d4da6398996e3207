"""The language once more, as plainly as it can be said: every combination of twins is tried, every condition evaluated.

Conditions are trees of tuples, written as text by `written` and evaluated by `truth`, which knows three values: True,
False and None for undefined. Nothing here is shared with the compiler.
"""

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Document = dict[str, Any]
Environment = Mapping[str, Document]
Truth = bool | None

UNDEFINED = object()
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Path:
    alias: str
    segments: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join([self.alias, *map(_segment, self.segments)])


def _segment(name: str) -> str:
    return name if name.replace("$", "").isalnum() else f"[[{name}]]"


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return repr(value)


def written(condition: Any) -> str:
    match condition:
        case ("not", inner):
            return f"NOT ({written(inner)})"
        case ("and" | "or" as connective, left, right):
            return f"({written(left)}) {connective.upper()} ({written(right)})"
        case ("compare", left, symbol, right):
            return f"{_operand(left)} {symbol} {_operand(right)}"
        case ("in", path, items):
            return f"{path} IN [{', '.join(map(literal, items))}]"
        case ("nin", path, items):
            return f"{path} NIN [{', '.join(map(literal, items))}]"
        case ("is_of_model", alias, model, exact):
            return f"IS_OF_MODEL({alias}, {literal(model)}{', exact' if exact else ''})"
        case (function, *arguments):
            return f"{function}({', '.join(map(_operand, arguments))})"
    raise AssertionError(condition)


def _operand(operand: Any) -> str:
    return str(operand) if isinstance(operand, Path) else literal(operand)


def value_of(operand: Any, environment: Environment) -> Any:
    if not isinstance(operand, Path):
        return operand
    value: Any = environment[operand.alias]
    for segment in operand.segments:
        if not isinstance(value, dict) or segment not in value:
            return UNDEFINED
        value = value[segment]
    return value


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", dict: "container", list: "container", type(None): "null"}.get(type(value), "undefined")


def truth(condition: Any, environment: Environment, bases: Mapping[str, set[str]]) -> Truth:
    match condition:
        case ("not", inner):
            return _not(truth(inner, environment, bases))
        case ("and", left, right):
            return _and(truth(left, environment, bases), truth(right, environment, bases))
        case ("or", left, right):
            return _not(_and(_not(truth(left, environment, bases)), _not(truth(right, environment, bases))))
        case ("compare", left, symbol, right):
            return compare(value_of(left, environment), symbol, value_of(right, environment))
        case ("in", path, items):
            return _in(value_of(path, environment), items)
        case ("nin", path, items):
            return _not(_in(value_of(path, environment), items))
        case ("is_of_model", alias, model, exact):
            actual = environment[alias]["$metadata"]["$model"]
            return actual == model if exact else _is_of_model(actual, model, bases)
        case (function, path, *arguments):
            return _function(function, value_of(path, environment), arguments)
    raise AssertionError(condition)


def _not(value: Truth) -> Truth:
    return None if value is None else not value


def _and(left: Truth, right: Truth) -> Truth:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def compare(left: Any, symbol: str, right: Any) -> Truth:
    kinds = {kind(left), kind(right)}
    if "null" in kinds:
        equal = kinds <= {"null", "undefined"}
        return {"=": equal, "!=": not equal}.get(symbol)
    if "undefined" in kinds or kinds == {"container"}:
        return None
    if symbol == "=":
        return len(kinds) == 1 and bool(left == right)
    if symbol == "!=":
        return len(kinds) != 1 or bool(left != right)
    return bool(_OPERATORS[symbol](left, right)) if kinds in ({"number"}, {"string"}) else None


def _in(value: Any, items: list[Any]) -> Truth:
    found: Truth = None if value is UNDEFINED else False
    for item in items:
        if compare(value, "=", item):
            found = True
    return found


def _function(name: str, value: Any, arguments: list[Any]) -> bool:
    this = kind(value)
    match name:
        case "IS_DEFINED":
            return this != "undefined"
        case "IS_NULL":
            return this in {"undefined", "null"}
        case "IS_STRING" | "IS_NUMBER":
            return name == f"IS_{this.upper()}"
        case "IS_BOOL":
            return this == "boolean"
        case "IS_OBJECT":
            return isinstance(value, dict)
        case "IS_PRIMITIVE":
            return this in {"string", "number", "boolean", "null"}
        case "STARTSWITH":
            return this == "string" and value.startswith(arguments[0])
        case "ENDSWITH":
            return this == "string" and value.endswith(arguments[0])
        case "CONTAINS":
            return this == "string" and arguments[0] in value
        case "ARRAY_CONTAINS":
            return isinstance(value, list) and any(compare(item, "=", arguments[0]) for item in value)
    raise AssertionError(name)


def _is_of_model(actual: str, model: str, bases: Mapping[str, set[str]]) -> bool:
    name, version = model.split(";")
    for base in {actual, *bases.get(actual, ())}:
        base_name, base_version = base.split(";")
        if base_name == name and int(base_version) >= int(version):
            return True
    return False


@dataclass(frozen=True)
class Hop:
    """A hop of a pattern: `arrow` is `->`, `<-` or `-`."""

    arrow: str
    names: tuple[str, ...]
    fewest: int = 1
    most: int = 1
    alias: str | None = None

    def __str__(self) -> str:
        hops = ""
        if (self.fewest, self.most) != (1, 1):
            hops = f"*{self.most}" if self.fewest == self.most else f"*{self.fewest - 1}..{self.most}"
        inner = f"[{self.alias or ''}{':' if self.names else ''}{'|'.join(self.names)}{hops}]"
        return f"{'<-' if self.arrow == '<-' else '-'}{inner}{'->' if self.arrow == '->' else '-'}"


def matches(
    nodes: list[str | None], hops: list[Hop], twins: dict[str, Document], relationships: list[Document]
) -> Iterator[Environment]:
    """Give what the names of a pattern stand for in each match."""
    seen = set()
    for first in twins:
        for way in _ways([first], [], nodes, hops, relationships):
            places, taken = way
            named: dict[str, str] = {}
            if any(name and named.setdefault(name, twin) != twin for name, twin in zip(nodes, places, strict=True)):
                continue
            singles = [trail[0] for hop, trail in zip(hops, taken, strict=True) if hop.most == 1]
            identity = (*places, *(f"{one['$sourceId']}/{one['$relationshipId']}" for one in singles))
            if identity in seen:
                continue
            seen.add(identity)
            environment = {name: twins[twin] for name, twin in named.items()}
            environment |= {
                hop.alias: trail[0] for hop, trail in zip(hops, taken, strict=True) if hop.alias is not None
            }
            yield environment


def _ways(
    places: list[str],
    taken: list[list[Document]],
    nodes: list[str | None],
    hops: list[Hop],
    relationships: list[Document],
) -> Iterator[tuple[list[str], list[list[Document]]]]:
    if len(taken) == len(hops):
        yield places, taken
        return
    hop = hops[len(taken)]
    used = [one for trail in taken for one in trail]
    for trail, end in _trails(places[-1], hop, used, relationships):
        yield from _ways([*places, end], [*taken, trail], nodes, hops, relationships)


def _trails(
    start: str, hop: Hop, used: list[Document], relationships: list[Document]
) -> Iterator[tuple[list[Document], str]]:
    ways: list[tuple[list[Document], str]] = [([], start)]
    for length in range(1, hop.most + 1):
        ways = [
            ([*trail, one], end)
            for trail, here in ways
            for one in relationships
            if not any(one is other for other in (*trail, *used))
            for end in _ends(here, one, hop)
        ]
        if length >= hop.fewest:
            yield from ways


def _ends(here: str, relationship: Document, hop: Hop) -> Iterator[str]:
    if hop.names and relationship["$relationshipName"] not in hop.names:
        return
    if hop.arrow in {"->", "-"} and relationship["$sourceId"] == here:
        yield relationship["$targetId"]
    if hop.arrow in {"<-", "-"} and relationship["$targetId"] == here:
        yield relationship["$sourceId"]


def joined(
    joins: list[tuple[str, str, str, str]], twins: dict[str, Document], relationships: list[Document]
) -> Iterator[Environment]:
    """Give what the aliases stand for; `joins` are (source alias, relationship name, target alias, its alias)."""
    environments: list[dict[str, Document]] = [{joins[0][0]: twin} for twin in twins.values()]
    for source, name, target, alias in joins:
        environments = [
            {**environment, target: twins[one["$targetId"]], alias: one}
            for environment in environments
            for one in relationships
            if one["$relationshipName"] == name and one["$sourceId"] == environment[source]["$dtId"]
        ]
    yield from environments


def pattern(nodes: list[str | None], hops: list[Hop]) -> str:
    parts = [f"({nodes[0] or ''})"]
    for hop, (_, node) in zip(hops, pairwise(nodes), strict=True):
        parts.append(f"{hop}({node or ''})")
    return "".join(parts)
