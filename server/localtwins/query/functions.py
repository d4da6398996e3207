"""The functions of the language in SQL. All but IS_NULL are false for an absent value."""

# ruff: noqa: S608  (the SQL is put together from our own pieces, and values are bound)

from collections.abc import Callable
from typing import Final, NoReturn

from localtwins.engine.model_versions import name_and_version
from localtwins.query.errors import sql_query_error
from localtwins.query.mentions import mention_of_start
from localtwins.query.operands import Operands, is_null
from localtwins.query.properties import column, locate
from localtwins.query.syntax import Call, Literal, Operand, Path

_LAST_CODE_POINT: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_BEHIND_ALL_TEXTS: Final = b""
"""SQLite orders all blobs after all texts."""
_BEHIND_THE_LAST_CHARACTER: Final = 2**31

_TYPES: Final = {
    "IS_DEFINED": "{0} IS NOT NULL",
    "IS_STRING": "{0} = 'text'",
    "IS_NUMBER": "{0} IN ('integer', 'real')",
    "IS_BOOL": "{0} IN ('true', 'false')",
    "IS_OBJECT": "{0} = 'object'",
    "IS_PRIMITIVE": "{0} NOT IN ('object', 'array')",
}


def call(call: Call, operands: Operands) -> str:
    """Gives the SQL that is true if the function is.

    Raises:
        AdtError: SqlQueryError for an unknown function, or for arguments that it does not take.
    """
    name = call.function.text.upper()
    if name in _TYPES:
        return _TYPES[name].format(operands.value(_arguments(call, "a property")[0]).type)
    function = _FUNCTIONS.get(name)
    if function is None:
        raise sql_query_error(call.function.place, f"'{call.function.text}' is not a function")
    return function(call, operands)


def _is_null(call: Call, operands: Operands) -> str:
    return is_null(operands.value(_arguments(call, "a property")[0]))


def _starts_with(call: Call, operands: Operands) -> str:
    value, text = _value_and_text(call, operands)
    bind = operands.parameters.bind_literal
    mentioned = operands.mentioned(call.arguments[0], text, mention_of_start)
    test = f"{value} >= {bind(text)} AND {value} < {bind(text, _next_text)}"  # as a range, which an index can serve
    return f"{mentioned} AND {test}" if mentioned else test


def _ends_with(call: Call, operands: Operands) -> str:
    value, text = _value_and_text(call, operands)
    bind = operands.parameters.bind_literal
    return f"{value} >= '' AND substr({value}, {bind(text, _start_of_end)}) = {bind(text)}"


def _contains(call: Call, operands: Operands) -> str:
    value, text = _value_and_text(call, operands)
    return f"{value} >= '' AND instr({value}, {operands.parameters.bind_literal(text)}) > 0"


def _value_and_text(call: Call, operands: Operands) -> tuple[str, Literal]:
    """Gives the SQL of the first argument, NULL for anything but numbers and strings, and the second, a string."""
    subject, text = _arguments(call, "a property", "a string")
    if not isinstance(text, Literal) or not isinstance(text.value, str):
        _refuse(call, text, "a string such as 'abc'")
    return operands.value(subject).comparable, text


def _start_of_end(text: str) -> int:
    """Gives the place, as `substr` counts, from which on a text has to be `text` to end with it."""
    return -len(text) or _BEHIND_THE_LAST_CHARACTER


def _next_text(prefix: str) -> str | bytes:
    """Gives the text that follows all texts that begin with `prefix`, or if there is none what follows every text."""
    while prefix:
        code = ord(prefix[-1]) + 1
        if code <= _LAST_CODE_POINT:
            return prefix[:-1] + chr(_SURROGATES.stop if code in _SURROGATES else code)
        prefix = prefix[:-1]
    return _BEHIND_ALL_TEXTS


def _array_contains(call: Call, operands: Operands) -> str:
    array, item = _arguments(call, "an array property", "a value")
    if not isinstance(array, Path):
        _refuse(call, array, "an array property")
    if not isinstance(item, Literal) or item.value is None:
        _refuse(call, item, "a string, a number, true or false")
    collection, segments = operands.scope.resolve(array)
    if not collection.of_twins:
        _refuse(call, array, "a property of a twin, and cannot look into properties of relationships")
    if not segments or column(collection, segments):
        return "0"
    found = locate(collection, segments, operands.parameters)
    if isinstance(item.value, bool):
        test = "type = 'true'" if item.value else "type = 'false'"
    else:
        types = "('text')" if isinstance(item.value, str) else "('integer', 'real')"
        test = f"value = {operands.parameters.bind_literal(item)} AND type IN {types}"
    elements = f"SELECT 1 FROM json_each({found.document}, {found.path}) WHERE {test}"
    return f"{found.type} = 'array' AND EXISTS ({elements})"


def _is_of_model(call: Call, operands: Operands) -> str:
    given = list(call.arguments)
    exact = len(given) > 1 and _is_word(given[-1], "exact")
    if exact:
        given.pop()
    model = given.pop() if given else None
    if not isinstance(model, Literal) or not isinstance(model.value, str) or len(given) > 1:
        _refuse(call, model, "the id of a model, before it possibly an alias, and after it possibly exact")
    scope = operands.scope
    collection = scope.sole
    if given:
        alias = given[0]
        collection = scope.alias(alias) if isinstance(alias, Path) and len(alias.segments) == 1 else None
    if collection is None or not collection.of_twins:
        _refuse(call, given[0] if given else model, "the alias of twins")
    scope.referenced.add(collection.table)
    bind = operands.parameters.bind_literal
    if exact:
        return f"{collection.table}.model_id = {bind(model)}"
    # the model itself comes last for the twins that outlive it
    return (
        f"{collection.table}.model_id IN (SELECT model_id FROM model_bases WHERE base = {bind(model, _name)}"
        f" AND version >= {bind(model, _version)} UNION ALL SELECT {bind(model)})"
    )


def _name(model_id: str) -> str:
    return name_and_version(model_id)[0]


def _version(model_id: str) -> int:
    return name_and_version(model_id)[1]


def _is_word(operand: Operand, word: str) -> bool:
    return isinstance(operand, Path) and len(operand.segments) == 1 and operand.segments[0].lower() == word


def _arguments(call: Call, *wanted: str) -> tuple[Operand, ...]:
    if len(call.arguments) != len(wanted):
        message = f"{call.function.text.upper()} takes {' and '.join(wanted)}"
        raise sql_query_error(call.function.place, message)
    return call.arguments


def _refuse(call: Call, argument: Operand | None, wanted: str) -> NoReturn:
    place = argument.place if argument else call.function.place
    raise sql_query_error(place, f"{call.function.text.upper()} takes {wanted}")


_FUNCTIONS: Final[dict[str, Callable[[Call, Operands], str]]] = {
    "IS_NULL": _is_null,
    "STARTSWITH": _starts_with,
    "ENDSWITH": _ends_with,
    "CONTAINS": _contains,
    "ARRAY_CONTAINS": _array_contains,
    "IS_OF_MODEL": _is_of_model,
}
