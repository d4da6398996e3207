"""Literal values in a document: plain, in a list of one, or as a JSON-LD value object with `@value`.

Each reader answers the value, or None after reporting what is wrong.
"""

import re
from collections.abc import Callable
from typing import Any

from localtwins.dtdl.json_ld import flattened
from localtwins.dtdl.schemas import INTEGER_RANGE

Report = Callable[[str, str], None]  # rule, message

_LANGUAGE = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?")
_XSD = "http://www.w3.org/2001/XMLSchema#"
_VALUE_OBJECT = frozenset(["@value", "@type"])
_TAGGED_STRING = frozenset(["@value", "@language"])
_NEVER_IN_VALUES = frozenset(["@context", "@id", "@graph"])


def utf16_length(text: str) -> int:
    """Length as the service counts it: characters beyond the basic plane count twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def single(value: Any, kind: str, term: str, report: Report, *, restrict_keywords: bool) -> Any:
    """Give the one value that stands there, out of its value object; `kind` is string, integer, boolean, …."""
    values = flattened(value)
    if len(values) != 1:
        rule = f"{kind}MultipleValues" if values else f"{kind}CountBelowMin"
        report(rule, f"property '{term}' has {len(values)} values but exactly one is required.")
        return None
    found = values[0]
    wrong_value = "literalNotValid" if kind == "literal" else f"{kind}Not{kind.capitalize()}"
    if found is None:
        report(wrong_value, f"property '{term}' is null.")
        return None
    if type(found) is not dict:
        return found
    if "@value" not in found:
        report(f"{kind}ObjectNoValue", f"property '{term}' has a JSON object with no '@value' property.")
        return None
    excess = _not_allowed(found, _VALUE_OBJECT, restrict_keywords=restrict_keywords)
    if excess is not None:
        keyword = excess[1:].capitalize() if excess in {"@context", "@id", "@graph", "@language"} else "Keyword"
        rule = f"valueObject{keyword if excess.startswith('@') else 'InvalidProp'}"
        report(rule, f"property '{term}' has a value object with '{excess}'. Remove it.")
        return None
    if found["@value"] is None:
        report(wrong_value, f"property '{term}' has a value object whose '@value' is null.")
    elif not _type_fits(found, kind):
        rule = "literalNotValid" if kind == "literal" else f"{kind}TypeNot{kind.capitalize()}"
        report(rule, f"property '{term}' has a value object whose '@type' is not that of a {kind}.")
        return None
    return found["@value"]


def _not_allowed(value_object: dict[str, Any], allowed: frozenset[str], *, restrict_keywords: bool) -> str | None:
    """Find a key that may not stand in a value object; DTDL 2 ignores keywords that it does not know."""
    for key in value_object:
        if key not in allowed and (restrict_keywords or not key.startswith("@") or key in _NEVER_IN_VALUES):
            return key
    return None


def _type_fits(value_object: dict[str, Any], kind: str) -> bool:
    stated = value_object.get("@type")
    if stated is None and "@type" not in value_object:
        return True
    names = stated if isinstance(stated, list) else [stated]
    if kind == "literal":
        value = value_object["@value"]
        kind = "string" if type(value) is str else "boolean" if type(value) is bool else "integer"
        if kind == "integer" and names in (["xsd:decimal"], [_XSD + "decimal"]):
            return True
    datatype = "decimal" if kind == "numeric" else kind
    return names in ([f"xsd:{datatype}"], [_XSD + datatype])


def text(value: Any, term: str, max_length: int | None, report: Report) -> str | None:
    """Check a string, its length included."""
    if type(value) is not str:
        report("stringNotString", f"property '{term}' has a value that is not a JSON string.")
        return None
    if max_length is not None and utf16_length(value) > max_length:
        report("stringTooLong", f"property '{term}' is longer than the {max_length} characters allowed.")
    return value


def name(value: str, term: str, report: Report) -> str | None:
    """Check the pattern of names: letters, digits and inner underscores, first a letter."""
    if _NAME.fullmatch(value) is None:
        report("stringInvalid", f"property '{term}' has value '{value}', which does not match {_NAME.pattern}.")
        return None
    return value


def boolean(value: Any, term: str, report: Report) -> bool | None:
    """Check a boolean."""
    if type(value) is not bool:
        report("booleanNotBoolean", f"property '{term}' has a value that is not a JSON boolean.")
        return None
    return value


def whole_number(value: Any) -> int | None:
    """Give the 32-bit integer that a JSON number is, 1.0 included, else None."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value in INTEGER_RANGE else None


def integer(value: Any, term: str, minimum: int | None, maximum: int | None, report: Report) -> int | None:
    """Check an integer and its range."""
    number = whole_number(value)
    if number is None:
        report("integerNotInteger", f"property '{term}' has a value that is not a JSON integer.")
    elif minimum is not None and minimum == maximum and number != minimum:
        report("valueNotExact", f"property '{term}' has value {number} but only {minimum} is allowed.")
    elif minimum is not None and number < minimum:
        report("valueBelowMin", f"property '{term}' has value {number}, below the minimum of {minimum}.")
    elif maximum is not None and number > maximum:
        report("valueAboveMax", f"property '{term}' has value {number}, above the maximum of {maximum}.")
    return number


def literal(value: Any, term: str, report: Report) -> str | int | float | bool | None:
    """Check a string, number or boolean; whole numbers of 32 bits come as integers."""
    if type(value) is str or type(value) is bool:
        return value
    if type(value) is int or type(value) is float:
        number = whole_number(value)
        return value if number is None else number
    report("literalNotValid", f"property '{term}' has a value that is not a JSON string, number or boolean.")
    return None


def localizable(value: Any, term: str, max_length: int, report: Report, *, restrict_keywords: bool) -> None:
    """Check a localizable string: language tags, one value a language, lengths."""
    if type(value) is dict:
        for tag, words in value.items():
            if tag.startswith("@"):
                report("langMapObjKeyword", f"property '{term}' has a language map with '{tag}'. Remove it.")
            elif _LANGUAGE.fullmatch(tag) is None:
                report("langStringInvalidCode", f"property '{term}' has '{tag}', which is not a language code.")
            elif type(words) is not str:
                report("langStringValueNotString", f"property '{term}' has a value for '{tag}' that is not a string.")
            elif utf16_length(words) > max_length:
                report("langStringValueTooLong", f"property '{term}' is longer than the {max_length} characters allowed.")
        return
    seen: set[str] = set()
    for entry in flattened(value):
        language: Any = "en"
        words = entry
        if type(entry) is dict:
            excess = _not_allowed(entry, _TAGGED_STRING, restrict_keywords=restrict_keywords)
            if excess is not None:
                report("langStringElementInvalidProp", f"property '{term}' has an object with '{excess}'. Remove it.")
                continue
            if "@value" not in entry:
                report("langStringElementNoValue", f"property '{term}' has an object without '@value'.")
                continue
            words = entry["@value"]
            language = entry.get("@language", "en")
            if type(language) is not str or _LANGUAGE.fullmatch(language) is None:
                report("langStringElementInvalidCode", f"property '{term}' has a '@language' that is no language code.")
                continue
        if type(words) is not str:
            report("langStringElementNotStringOrObject", f"property '{term}' has a value that is not a string.")
            continue
        if utf16_length(words) > max_length:
            report("langStringValueTooLong", f"property '{term}' is longer than the {max_length} characters allowed.")
        if language in seen:
            report("langStringElementCodeNotUnique", f"property '{term}' has more than one value for '{language}'.")
        seen.add(language)
