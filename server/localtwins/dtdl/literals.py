"""Literal values in a document: plain, in a list of one, or as a JSON-LD value object with `@value`."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from localtwins.dtdl.context import Context
from localtwins.dtdl.dtmi import is_dtmi
from localtwins.dtdl.errors import shown
from localtwins.dtdl.json_ld import flattened
from localtwins.dtdl.localizable import check_localizable, not_allowed_in_value, utf16_length
from localtwins.dtdl.metamodel import Boolean, Integer, Literal, LocalizableText, Reference, Text, is_required
from localtwins.dtdl.schemas import INTEGER_RANGE

Report = Callable[[str, str], None]
"""Takes a broken rule and a message."""

_NAME: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?")
_XSD: Final = ("xsd:", "http://www.w3.org/2001/XMLSchema#")
_VALUE_OBJECT: Final = frozenset(["@value", "@type"])
_KINDS: Final = {Text: "string", Boolean: "boolean", Integer: "integer", Literal: "literal"}


def read(
    field: Text | Boolean | Integer | Literal | LocalizableText | Reference,
    value: Any,
    term: str,
    context: Context,
    report: Report,
) -> object:
    """Reads the value of property `term`; None after reporting what is wrong with it.

    None is also the answer for localizable text, which is only checked.
    """
    if type(value) is str and type(field) is Text:
        return _text(value, term, field, report)
    if isinstance(field, LocalizableText):
        check_localizable(value, term, field.max_length, context, report)
        return None
    if isinstance(field, Reference):
        return _reference(value, term, context, report)
    if value == [] and not is_required(field):
        return None
    kind = _KINDS[type(field)]
    found = _single(value, kind, term, context, report)
    if found is None:
        return None
    if isinstance(field, Boolean):
        if type(found) is not bool:
            report("booleanNotBoolean", f"property '{term}' has a value that is not a JSON boolean.")
        return found
    if isinstance(field, Integer):
        return _integer(found, term, field, report)
    if isinstance(field, Literal):
        return _literal(found, term, report)
    return _text(found, term, field, report)


def name_of(value: Any) -> str | None:
    """Gives the name of an element, valid or not, as far as it can be part of an id."""
    if type(value) is str:
        return value
    values = flattened(value)
    found = values[0] if len(values) == 1 else None
    if type(found) is dict:
        found = found.get("@value")
    return str(found) if type(found) in {str, int, float} else None


def _single(value: Any, kind: str, term: str, context: Context, report: Report) -> Any:
    """Gives the one value that stands there, out of its value object."""
    values = flattened(value)
    if len(values) != 1:
        rule = f"{kind}MultipleValues" if values else f"{kind}CountBelowMin"
        report(rule, f"property '{term}' has {len(values)} values but exactly one is required.")
        return None
    found = values[0]
    if type(found) is dict:
        if "@value" not in found:
            report(f"{kind}ObjectNoValue", f"property '{term}' has a JSON object with no '@value' property.")
            return None
        excess = not_allowed_in_value(found, _VALUE_OBJECT, context)
        if excess is not None:
            report(_excess_rule(excess), f"property '{term}' has a value object with '{shown(excess)}'. Remove it.")
            return None
        if not _type_fits(found, kind):
            rule = "literalNotValid" if kind == "literal" else f"{kind}TypeNot{kind.capitalize()}"
            report(rule, f"property '{term}' has a value object whose '@type' is not that of a {kind}.")
            return None
        found = found["@value"]
    if found is None:
        rule = "literalNotValid" if kind == "literal" else f"{kind}Not{kind.capitalize()}"
        report(rule, f"property '{term}' is null.")
    return found


def _excess_rule(key: str) -> str:
    if not key.startswith("@"):
        return "valueObjectInvalidProp"
    return f"valueObject{key[1:].capitalize() if key in {'@context', '@id', '@graph', '@language'} else 'Keyword'}"


def _type_fits(value_object: dict[str, Any], kind: str) -> bool:
    if "@type" not in value_object:
        return True
    kinds = [kind]
    if kind == "literal":
        value = value_object["@value"]
        kinds = ["string"] if type(value) is str else ["boolean"] if type(value) is bool else ["integer", "decimal"]
    stated = value_object["@type"]
    names = stated if isinstance(stated, list) else [stated]
    return any(names == [prefix + datatype] for prefix in _XSD for datatype in kinds)


def _text(value: Any, term: str, field: Text, report: Report) -> str | None:
    if type(value) is not str:
        report("stringNotString", f"property '{term}' has a value that is not a JSON string.")
        return None
    if field.max_length is not None and utf16_length(value) > field.max_length:
        report("stringTooLong", f"property '{term}' is longer than the {field.max_length} characters allowed.")
    if field.is_name and _NAME.fullmatch(value) is None:
        report("stringInvalid", f"property '{term}' has value '{shown(value)}', which does not match {_NAME.pattern}.")
        return None
    return value


def _whole_number(value: Any) -> int | None:
    """Gives the 32-bit integer that a JSON number stands for: 1 for 1.0 too."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value in INTEGER_RANGE else None


def _integer(value: Any, term: str, field: Integer, report: Report) -> int | None:
    number = _whole_number(value)
    if number is None:
        report("integerNotInteger", f"property '{term}' has a value that is not a JSON integer.")
    elif field.minimum == field.maximum and number != field.minimum:
        report("valueNotExact", f"property '{term}' has value {number} but only {field.minimum} is allowed.")
    elif number < field.minimum:
        report("valueBelowMin", f"property '{term}' has value {number}, below the minimum of {field.minimum}.")
    elif field.maximum is not None and number > field.maximum:
        report("valueAboveMax", f"property '{term}' has value {number}, above the maximum of {field.maximum}.")
    return number


def _literal(value: Any, term: str, report: Report) -> str | int | Decimal | bool | None:
    """Gives whole numbers of 32 bits as integers, other numbers as decimals."""
    if type(value) is str or type(value) is bool:
        return value
    if type(value) is int or type(value) is float:
        number = _whole_number(value)
        return Decimal(value) if number is None else number
    report("literalNotValid", f"property '{term}' has a value that is not a JSON string, number or boolean.")
    return None


def _reference(value: Any, term: str, context: Context, report: Report) -> str | None:
    values = flattened(value)
    if len(values) > 1:
        report("identifierMultipleValues", f"property '{term}' has multiple values but only one is allowed.")
    if len(values) != 1:
        return None
    if not isinstance(values[0], str):
        report("identifierNotString", f"property '{term}' has a value that is not a string. Give a DTMI.")
        return None
    target = context.dtmi(values[0])
    if target is None:
        message = f"property '{term}' has value '{shown(values[0])}' that is neither a DTMI nor a term."
        report("identifierNotDtmi", message)
    elif not is_dtmi(target, context.dtdl_version):
        message = f"property '{term}' has value '{values[0]}', a term for {target}, which has no version."
        report("identifierInvalid", message)
    return target
