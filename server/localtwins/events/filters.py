"""Filters of event routes, which select the events that a route delivers.

A filter compares the attributes of an event and the members of its body (`$body.patch`, `$body.$metadata.$model`) with
each other and with literals. As in SQL, a member that the event does not have is neither equal nor unequal to anything,
and a filter that comes to no result delivers nothing; only a comparison with `null` tells that a member is not there.
"""

import operator
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken

from localtwins import errors
from localtwins.errors import AdtError
from localtwins.events import notifications
from localtwins.events.cloud_events import CloudEvent, Condition

MAX_LENGTH: Final = 4096
MAX_NESTING: Final = 100

Value = object
Operand = Callable[[CloudEvent], Value]
_MISSING: Final = object()
_ATTRIBUTES: Final = frozenset({"type", "source", "subject", "id", "dataschema", "datacontenttype", "specversion"})
_BODY: Final = "$body"
_EVENT_TYPE: Final = "$eventType"
_EVENT_TYPES: Final = {
    notifications.TELEMETRY: "DigitalTwinTelemetryMessages",
    notifications.TWIN_CREATE: "DigitalTwinLifecycleNotification",
    notifications.TWIN_DELETE: "DigitalTwinLifecycleNotification",
    notifications.TWIN_UPDATE: "DigitalTwinChangeNotification",
    notifications.RELATIONSHIP_CREATE: "RelationshipLifecycleNotification",
    notifications.RELATIONSHIP_DELETE: "RelationshipLifecycleNotification",
    notifications.RELATIONSHIP_UPDATE: "RelationshipChangeNotification",
}
"""Values of `$eventType` in routes of the first API version."""
_ORDERINGS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS: Final[dict[str, Callable[[str, str], bool]]] = {
    "STARTS_WITH": str.startswith,
    "ENDS_WITH": str.endswith,
    "CONTAINS": operator.contains,
}
_INT64: Final = range(-(2**63), 2**63)
_ESCAPE: Final = re.compile(r"\\(['\\])")


def parse(text: str) -> Condition:
    """Reads a filter.

    Raises:
        AdtError: EventRouteFilterInvalid.
    """
    if len(text) > MAX_LENGTH:
        raise errors.event_route_filter_invalid(1, MAX_LENGTH + 1, f"The filter is longer than {MAX_LENGTH} characters")
    try:
        return cast("Condition", _parser().parse(text))
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None


@cache
def _parser() -> Lark:
    return Lark.open_from_package(
        "localtwins.events",
        "filter_grammar.lark",
        parser="lalr",
        start="disjunction",
        transformer=_ConditionBuilder(),
    )


def _syntax_error(error: UnexpectedInput, text: str) -> AdtError:
    if not isinstance(error, UnexpectedToken):
        return errors.event_route_filter_invalid(
            error.line, error.column, f"Unexpected input '{text[error.pos_in_stream :][:1]}'"
        )
    if error.token.type == "$END":
        lines = text.split("\n")
        return errors.event_route_filter_invalid(len(lines), len(lines[-1]) + 1, "Unexpected end of input")
    return _unexpected(error.token)


def _unexpected(token: Token) -> AdtError:
    return errors.event_route_filter_invalid(token.line or 1, token.column or 1, f"Unexpected input '{token}'")


@v_args(inline=True)
class _ConditionBuilder(Transformer[Token, Condition]):
    """Makes conditions while the text is read; the methods are named after the grammar's rules."""

    def any_of(self, left: Condition, token: Token, right: Condition) -> Condition:
        return _checked(_Or(left, right), token)

    def all_of(self, left: Condition, token: Token, right: Condition) -> Condition:
        return _checked(_And(left, right), token)

    def negated(self, token: Token, condition: Condition) -> Condition:
        return condition.condition if isinstance(condition, _Not) else _checked(_Not(condition), token)

    def always(self, _token: Token) -> Condition:
        return lambda _event: True

    def never(self, _token: Token) -> Condition:
        return lambda _event: False

    def call(self, function: Token, text: Operand, part: Operand) -> Condition:
        test = _FUNCTIONS[function.upper()]

        def condition(event: CloudEvent) -> bool | None:
            whole, piece = text(event), part(event)
            return test(whole, piece) if isinstance(whole, str) and isinstance(piece, str) else None

        return condition

    def comparison(self, left: Operand, sign: Token, right: Operand) -> Condition:
        match sign:
            case "=":
                return lambda event: _equal(left(event), right(event))
            case "!=":
                return lambda event: _inverse(_equal(left(event), right(event)))
            case _:
                ordering = _ORDERINGS[sign]
                return lambda event: _ordered(ordering, left(event), right(event))

    def path(self, token: Token) -> Operand:
        name, *members = token.split(".")
        if name == _BODY and members:
            return lambda event: _member(event.body, members)
        if token == _EVENT_TYPE:
            return lambda event: _EVENT_TYPES[event.change.type]
        if name.startswith("$"):
            raise _unexpected(token)
        if token in _ATTRIBUTES:
            return lambda event: event.attributes.get(name, _MISSING)
        # The service takes any other name as one that no event has: `type = Microsoft.DigitalTwins.Twin.Create`.
        return lambda _event: _MISSING

    def string(self, token: Token) -> Operand:
        text = _ESCAPE.sub(r"\1", token[1:-1])
        return lambda _event: text

    def number(self, token: Token) -> Operand:
        whole = token.lstrip("-").isdigit() and len(token) <= len(str(_INT64.start)) and int(token) in _INT64
        number = int(token) if whole else float(token)
        return lambda _event: number

    def true(self, _token: Token) -> Operand:
        return lambda _event: True

    def false(self, _token: Token) -> Operand:
        return lambda _event: False

    def null(self, _token: Token) -> Operand:
        return lambda _event: None


class _And:
    """Holds if all are true, fails if one is false, else has no result; long chains are flat."""

    decided_by = False

    def __init__(self, left: Condition, right: Condition) -> None:
        self.conditions: list[Condition] = []
        for side in (left, right):
            if isinstance(side, _And) and side.decided_by is self.decided_by:
                self.conditions += side.conditions
            else:
                self.conditions.append(side)
        self.depth = 1 + max(map(_depth, self.conditions))

    def __call__(self, event: CloudEvent) -> bool | None:
        result: bool | None = not self.decided_by
        for condition in self.conditions:
            value = condition(event)
            if value is self.decided_by:
                return value
            if value is None:
                result = None
        return result


class _Or(_And):
    """Holds if one is true, fails if all are false, else has no result."""

    decided_by = True


class _Not:
    """Turns a result into its contrary, if there is one."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.depth = 1 + _depth(condition)

    def __call__(self, event: CloudEvent) -> bool | None:
        return _inverse(self.condition(event))


def _depth(condition: Condition) -> int:
    return condition.depth if isinstance(condition, (_And, _Not)) else 0


def _checked(condition: "_And | _Not", token: Token) -> Condition:
    if condition.depth > MAX_NESTING:
        message = f"The filter is nested deeper than {MAX_NESTING} levels"
        raise errors.event_route_filter_invalid(token.line or 1, token.column or 1, message)
    return condition


def _inverse(value: bool | None) -> bool | None:  # noqa: FBT001  (the value is what it is about)
    return None if value is None else not value


def _member(body: object, names: list[str]) -> object:
    for name in names:
        if type(body) is not dict or name not in body:
            return _MISSING
        body = body[name]
    return body


def _equal(one: object, other: object) -> bool | None:
    if one is None or other is None:
        return (one is None or one is _MISSING) and (other is None or other is _MISSING)
    if one is _MISSING or other is _MISSING:
        return None
    return one == other if _comparable(one, other) else False


def _ordered(ordering: Callable[[Any, Any], bool], one: object, other: object) -> bool | None:
    return ordering(one, other) if _comparable(one, other) and not isinstance(one, bool) else None


def _comparable(one: object, other: object) -> bool:
    """Tells whether both are strings, numbers or booleans."""
    if isinstance(one, bool) or isinstance(other, bool):
        return type(one) is type(other)
    numbers = (int, float)
    return (isinstance(one, numbers) and isinstance(other, numbers)) or (isinstance(one, str) and type(other) is str)
