"""Localizable strings: a string, a language map, or a list of strings and language-tagged ones."""

import re
from collections.abc import Callable
from typing import Any, Final

from localtwins.dtdl.context import Context
from localtwins.dtdl.errors import shown
from localtwins.dtdl.json_ld import flattened

_LANGUAGE: Final = re.compile(r"[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_DEFAULT_LANGUAGE: Final = "en"
_TAGGED_STRING: Final = frozenset(["@value", "@language"])
_NEVER_IN_VALUES: Final = frozenset(["@context", "@id", "@graph"])


def utf16_length(text: str) -> int:
    """Counts characters as the service does: those beyond the basic plane twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def not_allowed_in_value(value_object: dict[str, Any], allowed: frozenset[str], context: Context) -> str | None:
    """Finds a key that may not stand in a value object; DTDL 2 ignores keywords that it does not know."""
    for key in value_object:
        if key not in allowed and (context.is_strict or not key.startswith("@") or key in _NEVER_IN_VALUES):
            return key
    return None


def check_localizable(
    value: Any, term: str, max_length: int, context: Context, report: Callable[[str, str], None]
) -> None:
    """Checks language tags, that each has one string, and the strings' lengths."""
    if isinstance(value, dict):
        _check_language_map(value, term, max_length, report)
        return
    seen: set[str] = set()
    for entry in flattened(value):
        language: object = _DEFAULT_LANGUAGE
        text = entry
        if isinstance(entry, dict):
            excess = not_allowed_in_value(entry, _TAGGED_STRING, context)
            if excess is not None:
                report(
                    "langStringElementInvalidProp",
                    f"property '{term}' has an object with '{shown(excess)}'. Remove it.",
                )
                continue
            language, text = entry.get("@language", _DEFAULT_LANGUAGE), entry.get("@value")
        if not isinstance(language, str) or _LANGUAGE.fullmatch(language) is None:
            report("langStringElementInvalidCode", f"property '{term}' has a '@language' that is no language code.")
        elif not isinstance(text, str):
            report("langStringElementNotStringOrObject", f"property '{term}' has a value that is not a string.")
        else:
            _check_length(text, term, max_length, report)
            if language in seen:
                report(
                    "langStringElementCodeNotUnique", f"property '{term}' has several values for '{shown(language)}'."
                )
            seen.add(language)


def _check_language_map(texts: dict[str, Any], term: str, max_length: int, report: Callable[[str, str], None]) -> None:
    for language, text in texts.items():
        if language.startswith("@"):
            report("langMapObjKeyword", f"property '{term}' has a language map with '{shown(language)}'. Remove it.")
        elif _LANGUAGE.fullmatch(language) is None:
            report("langStringInvalidCode", f"property '{term}' has '{shown(language)}', which is not a language code.")
        elif not isinstance(text, str):
            report(
                "langStringValueNotString",
                f"property '{term}' has a value for '{shown(language)}' that is not a string.",
            )
        else:
            _check_length(text, term, max_length, report)


def _check_length(text: str, term: str, max_length: int, report: Callable[[str, str], None]) -> None:
    if utf16_length(text) > max_length:
        report("langStringValueTooLong", f"property '{term}' is longer than the {max_length} characters allowed.")
