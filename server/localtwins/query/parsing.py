"""Parses the text of a query to its syntax tree.

The tree is built while the text is read, without recursion, so no nesting is too deep.
"""

from dataclasses import replace
from typing import Final, TypeVar, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken

from localtwins.errors import AdtError
from localtwins.query import limits, syntax
from localtwins.query.errors import sql_query_error
from localtwins.query.literals import number_value, string_value
from localtwins.query.place import Place
from localtwins.query.syntax import Condition, Edge, Literal, Name, Operand, Path, Projection, Query, Selection

Connective = TypeVar("Connective", syntax.And, syntax.Or)

_SYMBOLS: Final = {
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
_RESERVED: Final = frozenset(["RESERVED", "RESERVED_FUNCTION"])
_AGGREGATES: Final = frozenset(["AVG", "MAX", "MIN", "SUM"])
_SHOWN: Final = 64


def parse(text: str) -> Query:
    """Parses a query.

    Raises:
        AdtError: SqlQueryError.
    """
    if len(text) > limits.QUERY_LENGTH:
        message = f"the query is longer than {limits.QUERY_LENGTH} characters"
        raise sql_query_error(Place(1, limits.QUERY_LENGTH), message)
    try:
        return replace(cast("Query", _PARSER.parse(text)), end=_end(text))
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None


def _syntax_error(error: UnexpectedInput, text: str) -> AdtError:
    """Describes an error in the words of the service's parser, and guesses what the caller may have meant."""
    if not isinstance(error, UnexpectedToken):
        unread = _shortened(text[error.pos_in_stream :])
        return sql_query_error(Place(error.line, error.column - 1), f"token recognition error at: '{unread}'")
    unknown = _unknown_function(error)
    if unknown is not None:
        return sql_query_error(_place(unknown), f"'{unknown}' is not a function")
    token, expected = error.token, error.accepts or error.expected
    if token.type == "$END":
        place, found = _end(text), "'<EOF>'"
    else:
        place, found = _place(token), f"'{_shortened(token)}'"
    if token.type == "RESERVED" and token.upper() in _AGGREGATES:
        return sql_query_error(place, f"{found} is not supported, COUNT() is the only aggregate")
    if token.type == "_COUNT":
        return sql_query_error(place, "COUNT() can only stand alone, right behind SELECT")
    if token.type in _RESERVED and "NAME" in expected:
        message = f"{found} is a reserved word, write [[{_shortened(token)}]] for something of that name"
        return sql_query_error(place, message)
    names = sorted({_SYMBOLS.get(name, name.removeprefix("_")) for name in expected} - _RESERVED)
    if len(names) == 1:
        return sql_query_error(place, f"missing {names[0]} at {found}")
    return sql_query_error(place, f"mismatched input {found} expecting {{{', '.join(names)}}}")


def _unknown_function(error: UnexpectedToken) -> Token | None:
    """Finds the unknown name that an error is about, if it is called like a function there or just before."""
    stack = error.interactive_parser.parser_state.value_stack
    tokens = [value if isinstance(value, Token) else None for value in stack]
    if error.token.type == "_OPEN":
        name = tokens[-1] if tokens else None
    elif tokens and tokens[-1] is not None and tokens[-1].type == "_CLOSE":
        opened = max((at for at, token in enumerate(tokens) if token is not None and token.type == "_OPEN"), default=0)
        name = tokens[opened - 1] if opened else None
    else:
        return None
    if name is None or name.type not in {"NAME", "RESERVED_FUNCTION"}:
        return None
    return None if name.upper() in syntax.FUNCTION_NAMES else name


def _end(text: str) -> Place:
    lines = text.split("\n")
    return Place(len(lines), len(lines[-1]))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _place(token: Token) -> Place:
    return Place(token.line or 1, (token.column or 1) - 1)


def _literal(value: str | float | bool | None, token: Token) -> Literal:  # noqa: FBT001  (one of the types of a literal)
    return Literal(value, _place(token), token.start_pos or 0)


def _name(token: Token) -> Name:
    escaped = token.type == "ESCAPED_NAME"
    return Name(str(token[2:-2] if escaped else token), _place(token), escaped)


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
    """Gives the range of a number of hops; `*3..3` is three hops, although the start of a range does not count."""
    most = _integer(end, limits.HOPS, "the number of hops")
    fewest = min(fewest, most) if fewest == most + 1 else fewest
    if not 0 < fewest <= most:
        raise sql_query_error(_place(end), f"the hops end at {most} before they begin")
    return fewest, most


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Query]):
    """Makes a node of each rule as the parser completes it; the methods are named after the grammar's rules."""

    def query(
        self, selection: Selection, source: syntax.Source, where_place: Place | None, where: Condition | None
    ) -> Query:
        return Query(selection, source, where, where_place)

    def where(self, token: Token) -> Place:
        return _place(token)

    def everything(self, token: Token) -> Selection:
        return Selection(place=_place(token))

    def count(self) -> Selection:
        return Selection(count=True)

    def top_everything(self, number: Token) -> Selection:
        return Selection(top=_integer(number, limits.TOP, "TOP"), place=_place(number))

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
        return syntax.Join(_name(target), _name(source), _name(relationship), _optional_name(alias))

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
        if variable and hops not in {None, (1, 1)}:
            message = f"the relationship variable '{variable.text}' can only stand for a single hop"
            raise sql_query_error(variable.place, message)
        fewest, most = hops or (1, 1)
        return Edge(variable, names or (), fewest, most, syntax.Direction.EITHER, _place(bracket))

    def edge_names(self, *names: Token) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_name(name).text for name in names))

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
        return _name(token), False

    def dollar_name(self, token: Token) -> tuple[Name, bool]:
        return _name(token), True

    def escaped_name(self, token: Token) -> tuple[Name, bool]:
        return _name(token), True

    def string(self, token: Token) -> Literal:
        return _literal(string_value(token), token)

    def number(self, token: Token) -> Literal:
        return _literal(number_value(token), token)

    def true(self, token: Token) -> Literal:
        return _literal(True, token)

    def false(self, token: Token) -> Literal:
        return _literal(False, token)

    def null(self, token: Token) -> Literal:
        return _literal(None, token)


_PARSER: Final = Lark.open_from_package(
    "localtwins.query",
    "grammar.lark",
    parser="lalr",
    start="query",
    maybe_placeholders=True,
    transformer=_TreeBuilder(),
)
