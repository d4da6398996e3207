"""Equivalent notations of JSON-LD, reduced to one: the term, the list, the plain value."""

import re
from collections.abc import Iterator
from typing import Any, Final

from localtwins.dtdl.vocabulary import IMPLICIT_VERSIONS

_PROPERTY: Final = re.compile(r"dtmi:dtdl:property:([A-Za-z]+);[1-9][0-9]*")
_CLASS: Final = re.compile(r"dtmi:dtdl:class:([A-Za-z]+);[1-9][0-9]*")
_SCHEMA: Final = re.compile(
    r"dtmi:(?:dtdl:instance:Schema|standard:schema:geospatial|dtdl:extension:quantitativeTypes:v1:enum"
    r"|iotcentral:schema):"
    r"([A-Za-z]+)(?:;[1-9][0-9]*)?"
)
_CONTEXT: Final = re.compile(r"dtmi:dtdl:context;([1-9][0-9]*)")


def flattened(value: Any) -> list[Any]:
    """Gives the values of a property: a list's items, nested lists dissolved, or the single value."""
    if type(value) is not list:
        return [value]
    if not any(type(item) is list for item in value):
        return value
    flat: list[Any] = []
    waiting = [iter(value)]
    while waiting:
        for item in waiting[-1]:
            if type(item) is list:
                waiting.append(iter(item))
                break
            flat.append(item)
        else:
            waiting.pop()
    return flat


def single(value: Any) -> Any:
    """Gives a value that may be written as itself or as a list of one; None for an empty list."""
    values = flattened(value)
    return values[0] if values else None


def plain(value: Any) -> Any:
    """Gives a literal that may also be written as a list of one, or as a value object with `@value`."""
    found = single(value)
    return found["@value"] if type(found) is dict and "@value" in found else found


def by_term(element: dict[str, Any]) -> dict[str, Any]:
    """Gives the element with property terms for keys where full DTMIs may stand."""
    if ":" not in "".join(element):
        return element
    return {(match[1] if (match := _PROPERTY.fullmatch(key)) else key): value for key, value in element.items()}


def types(element: dict[str, Any]) -> Iterator[str]:
    """Gives the element's class terms and co-types, DTDL's own without their DTMI form."""
    for name in flattened(element.get("@type", [])):
        yield match[1] if (match := _CLASS.fullmatch(name)) else name


def schema_term(reference: str) -> str:
    """Gives the term of a standard schema that may be referred to by its full DTMI."""
    match = _SCHEMA.fullmatch(reference)
    return match[1] if match else reference


def dtdl_version(element: dict[str, Any]) -> int:
    """Gives the DTDL version that a valid top-level element's `@context` selects."""
    entries = flattened(element["@context"])
    versions = [match[1] for entry in entries if (match := _CONTEXT.fullmatch(entry))]
    return int(versions[-1]) if versions else IMPLICIT_VERSIONS[entries[0]]


def language_map(value: Any) -> dict[str, str]:
    """Gives language tag → text for a valid localizable string in any of its notations."""
    texts: dict[str, str] = {}
    for entry in flattened(value):
        if type(entry) is str:
            texts["en"] = entry
        elif "@value" in entry:
            texts[entry.get("@language", "en")] = entry["@value"]
        else:
            texts.update({language: plain(text) for language, text in entry.items()})
    return texts
