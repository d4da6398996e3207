"""From the text of a query to its syntax tree.

The tree is built while the text is read, without recursion, so no nesting is too deep.
"""

import re
from dataclasses import replace
from functools import cache
from typing import TypeVar, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken

from localtwins.errors import AdtError
from localtwins.query import limits, syntax
from localtwins.query.errors import sql_query_error
from localtwins.query.syntax import Condition, Edge, Literal, Name, Operand, Path, Place, Projection, Query, Selection

Connective = TypeVar("Connective", syntax.And, syntax.Or)

# fmt: off
_RESERVED = frozenset({
    "ALL", "AND", "AS", "ASC", "AVG", "BY", "COUNT", "DESC", "DEVICES", "DEVICES_JOBS", "DEVICES_MODULES",
    "ENDS_WITH", "FALSE", "FROM", "GROUP", "IN", "IS_BOOL", "IS_DEFINED", "IS_NULL", "IS_NUMBER", "IS_OBJECT",
    "IS_OF_MODEL", "IS_PRIMITIVE", "IS_STRING", "MAX", "MIN", "NOT", "NOT_IN", "NULL", "OR", "ORDER", "SELECT",
    "STARTS_WITH", "SUM", "TOP", "TRUE", "WHERE",
})
# fmt: on
_SYMBOLS = {
    "_OPEN": "'('",
    "_CLOSE": "')'",
    "BRACKET": "'['",
    "_BRACKET_CLOSE": "']'",
    "COMMA": "','",
    "COLON": "':'",
    "VBAR": "'|'",
    "_DOT": "'.'",
    "_RANGE": "'..'",
    "_STAR": "'*'",
    "_DASH": "'-'",
    "_ARROW": "'->'",
    "_BACK_ARROW": "'<-'",
    "$END": "<EOF>",
}
_ESCAPE = re.compile(r"\\(['\\])")
_INT64 = range(-(2**63), 2**63)
_SHOWN = 64


def parse(text: str) -> Query:
    """Parse a query. Raises SqlQueryError."""
    if len(text) > limits.QUERY_LENGTH:
        message = f"the query is longer than {limits.QUERY_LENGTH} characters"
        raise sql_query_error(Place(1, limits.QUERY_LENGTH), message)
    try:
        return cast("Query", _parser().parse(text))
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None


@cache
def _parser() -> Lark:
    return Lark.open_from_package(
        "localtwins.query",
        "grammar.lark",
        parser="lalr",
        start="query",
        maybe_placeholders=True,
        transformer=_TreeBuilder(),
    )


def _syntax_error(error: UnexpectedInput, text: str) -> AdtError:
    """Describe an error in the words of the service's parser."""
    if not isinstance(error, UnexpectedToken):
        unread = _shortened(text[error.pos_in_stream :])
        return sql_query_error(Place(error.line, error.column - 1), f"token recognition error at: '{unread}'")
    if error.token.type == "$END":
        lines = text.split("\n")
        place, found = Place(len(lines), len(lines[-1])), "'<EOF>'"
    else:
        place, found = _place(error.token), f"'{_shortened(error.token)}'"
    names = sorted(_SYMBOLS.get(name, name.removeprefix("_")) for name in error.accepts or error.expected)
    if len(names) == 1:
        return sql_query_error(place, f"missing {names[0]} at {found}")
    return sql_query_error(place, f"mismatched input {found} expecting {{{', '.join(names)}}}")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _place(token: Token) -> Place:
    return Place(token.line or 1, (token.column or 1) - 1)


def _name(token: Token) -> Name:
    """Take a token as a name that is not reserved."""
    if token.upper() in _RESERVED:
        message = f"'{token}' is a reserved word, write [[{token}]] for a property of that name"
        raise sql_query_error(_place(token), message)
    return Name(str(token), _place(token))


def _optional_name(token: Token | None) -> Name | None:
    return None if token is None else _name(token)


def _integer(token: Token, largest: int, what: str) -> int:
    if len(token) > len(str(limits.TOP)) or int(token) > largest:
        message = f"{what} must not be more than {largest}, and not {_shortened(token)}"
        raise sql_query_error(_place(token), message)
    return int(token)


def _joined(kind: type[Connective], left: Condition, operator: Token, right: Condition) -> Connective:
    conditions: list[Condition] = []
    operators = 1
    for side in (left, right):
        conditions += side.conditions if isinstance(side, kind) else [side]
        operators += side.operators if isinstance(side, (syntax.And, syntax.Or)) else 0
    if operators > limits.OPERATORS:
        message = f"a query may have {limits.OPERATORS} AND and OR operators"
        raise sql_query_error(_place(operator), message)
    return kind(tuple(conditions), operators)


def _directed(edge: Edge, direction: syntax.Direction) -> Edge:
    return replace(edge, direction=direction)


def _hops(fewest: int, end: Token) -> tuple[int, int]:
    most = _integer(end, limits.HOPS, "the number of hops")
    if not 0 < fewest <= most:
        raise sql_query_error(_place(end), f"the hops end at {most} before they begin")
    return fewest, most


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Query]):
    """Makes a node of each rule as the parser completes it; the methods are named after the grammar's rules."""

    def query(self, selection: Selection, source: syntax.Source, where: Condition | None) -> Query:
        return Query(selection, source, where)

    def everything(self) -> Selection:
        return Selection()

    def count(self) -> Selection:
        return Selection(count=True)

    def top_everything(self, number: Token) -> Selection:
        return Selection(top=_integer(number, limits.TOP, "TOP"))

    def top(self, number: Token, projections: tuple[Projection, ...]) -> Selection:
        return Selection(projections, top=_integer(number, limits.TOP, "TOP"))

    def listed(self, projections: tuple[Projection, ...]) -> Selection:
        return Selection(projections)

    def projections(self, *projections: Projection) -> tuple[Projection, ...]:
        if len(projections) > limits.PROJECTIONS:
            place = projections[limits.PROJECTIONS].path.place
            raise sql_query_error(place, f"a query may select {limits.PROJECTIONS} values")
        return projections

    def projection(self, path: Path, alias: Token | None) -> Projection:
        return Projection(path, _optional_name(alias))

    def digital_twins(self, alias: Token | None, *joins: syntax.Join) -> syntax.DigitalTwins:
        if len(joins) > limits.JOINS:
            raise sql_query_error(joins[limits.JOINS].target.place, f"a query may have {limits.JOINS} JOINs")
        return syntax.DigitalTwins(_optional_name(alias), joins)

    def relationships(self, alias: Token | None) -> syntax.Relationships:
        return syntax.Relationships(_optional_name(alias))

    def join(self, target: Token, source: Token, relationship: Token, alias: Token | None) -> syntax.Join:
        name = Name(str(relationship), _place(relationship))
        return syntax.Join(_name(target), _name(source), name, _optional_name(alias))

    def match(self, *chain: Name | Edge | None) -> syntax.Match:
        edges = tuple(link for link in chain if isinstance(link, Edge))
        if len(edges) > limits.HOPS:
            raise sql_query_error(edges[limits.HOPS].place, f"a MATCH may have {limits.HOPS} hops")
        return syntax.Match(tuple(link for link in chain if not isinstance(link, Edge)), edges)

    def node(self, name: Token | None) -> Name | None:
        return _optional_name(name)

    def edge_either_way(self, edge: Edge) -> Edge:
        return edge

    def edge_forward(self, edge: Edge) -> Edge:
        return _directed(edge, syntax.Direction.FORWARD)

    def edge_backward(self, edge: Edge) -> Edge:
        return _directed(edge, syntax.Direction.BACKWARD)

    def edge_body(
        self, bracket: Token, alias: Token | None, names: tuple[str, ...] | None, hops: tuple[int, int] | None
    ) -> Edge:
        variable = _optional_name(alias)
        if variable and hops:
            message = f"the relationship variable '{variable.text}' can only stand for a single hop"
            raise sql_query_error(variable.place, message)
        fewest, most = hops or (1, 1)
        return Edge(variable, names or (), fewest, most, syntax.Direction.EITHER, _place(bracket))

    def edge_names(self, *names: Token) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(str, names)))

    def hops_exactly(self, number: Token) -> tuple[int, int]:
        return _hops(_integer(number, limits.HOPS, "the number of hops"), number)

    def hops_between(self, start: Token, end: Token) -> tuple[int, int]:
        # the start is exclusive, the end inclusive
        return _hops(_integer(start, limits.HOPS, "the number of hops") + 1, end)

    def hops_up_to(self, end: Token) -> tuple[int, int]:
        return _hops(1, end)

    def disjunction(self, left: Condition, operator: Token, right: Condition) -> syntax.Or:
        return _joined(syntax.Or, left, operator, right)

    def conjunction(self, left: Condition, operator: Token, right: Condition) -> syntax.And:
        return _joined(syntax.And, left, operator, right)

    def negated(self, condition: Condition) -> Condition:
        return syntax.negated(condition)

    def call(self, function: Token, *arguments: Operand | None) -> syntax.Call:
        given = tuple(argument for argument in arguments if argument is not None)
        return syntax.Call(Name(str(function), _place(function)), given, negative=False)

    def comparison(self, left: Operand, operator: Token, right: Operand) -> syntax.Comparison:
        return syntax.Comparison(left, str(operator), right)

    def within(self, operand: Operand, items: tuple[Literal, ...]) -> syntax.Membership:
        return syntax.Membership(operand, items, negative=False)

    def not_within(self, operand: Operand, items: tuple[Literal, ...]) -> syntax.Membership:
        return syntax.Membership(operand, items, negative=True)

    def items(self, bracket: Token, *items: Literal | None) -> tuple[Literal, ...]:
        if len(items) > limits.LIST_ITEMS:
            raise sql_query_error(_place(bracket), f"a list may have {limits.LIST_ITEMS} items")
        return tuple(item for item in items if item is not None)

    def path(self, first: tuple[Name, bool], *later: tuple[Name, bool]) -> Path:
        name, escaped = first
        if sum(quoted for _, quoted in later) > limits.ESCAPED_SEGMENTS:
            raise sql_query_error(name.place, f"a path may have {limits.ESCAPED_SEGMENTS} segments in [[ ]]")
        return Path((name.text, *(segment.text for segment, _ in later)), escaped, name.place)

    def name(self, token: Token) -> tuple[Name, bool]:
        return _name(token), False

    def later_name(self, token: Token) -> tuple[Name, bool]:
        return Name(str(token), _place(token)), False

    def dollar_name(self, token: Token) -> tuple[Name, bool]:
        return Name(str(token), _place(token)), True

    def escaped_name(self, token: Token) -> tuple[Name, bool]:
        return Name(str(token[2:-2]), _place(token)), True

    def string(self, token: Token) -> Literal:
        return Literal(_ESCAPE.sub(r"\1", token[1:-1]), _place(token))

    def number(self, token: Token) -> Literal:
        if token.lstrip("-").isdigit() and len(token) <= len(str(_INT64.start)) and int(token) in _INT64:
            return Literal(int(token), _place(token))
        return Literal(float(token), _place(token))

    def true(self, token: Token) -> Literal:
        return Literal(value=True, place=_place(token))

    def false(self, token: Token) -> Literal:
        return Literal(value=False, place=_place(token))

    def null(self, token: Token) -> Literal:
        return Literal(None, _place(token))
