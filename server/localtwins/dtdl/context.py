"""`@context`: the DTDL version and the extensions of an element, and the meaning of its terms."""

import re
from dataclasses import dataclass
from typing import Any, Final

from localtwins.dtdl.dtmi import is_dtmi
from localtwins.dtdl.errors import UNSUPPORTED_VERSION, shown
from localtwins.dtdl.vocabulary import (
    EXTENSION_TERMS,
    IMPLICIT_VERSIONS,
    KNOWN_EXTENSIONS,
    RESERVED_BY_EXTENSION,
    TERMS,
)

_DTDL: Final = "dtmi:dtdl:context;"
_VERSION: Final = re.compile(r"([1-9][0-9]{0,8})(?:\.[1-9][0-9]{0,5})?(?:#[A-Za-z0-9_]*)?")
_NEWEST_TAKEN: Final = 3
_UNSUPPORTED: Final = 4


class ContextError(Exception):
    """A context that leaves open how to read the element."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


@dataclass(frozen=True, slots=True)
class Context:
    """Tells in which DTDL version and with which extensions an element is written.

    Attributes:
        extensions: the known ones among those listed.
        complete: false when unknown ones are listed too, as DTDL 2 allows; then unknown terms and DTMIs may mean
            something.
    """

    dtdl_version: int
    extensions: tuple[str, ...] = ()
    complete: bool = True

    @property
    def is_strict(self) -> bool:
        """Tells whether undefined keywords, terms and types are errors, as they are from DTDL 3 on."""
        return self.dtdl_version > 2  # noqa: PLR2004  (the DTDL version)

    @property
    def reserved(self) -> tuple[str, ...]:
        """Lists the beginnings of the identifiers that belong to the extensions."""
        return tuple(RESERVED_BY_EXTENSION[name] for name in self.extensions if name in RESERVED_BY_EXTENSION)

    def dtmi(self, text: str) -> str | None:
        """Gives the DTMI of a term or a DTMI; None if it is neither."""
        if text.startswith("dtmi:"):
            return text if is_dtmi(text, self.dtdl_version) else None
        found = TERMS[self.dtdl_version].get(text)
        if found is None:
            for extension in self.extensions:
                found = EXTENSION_TERMS.get(extension, {}).get(text)
                if found is not None:
                    break
        return found


def child_context(outer: Context | None, element: dict[str, Any]) -> Context:
    """Gives the context of `element`, which stands in an element with the context `outer`.

    Raises:
        ContextError: the element's `@context` says nothing that can be read.
    """
    value = element.get("@context")
    if value is None and "@context" not in element:
        if outer is None:
            raise ContextError(
                "missingContext",
                "In source, top-level JSON object has no @context specifier. Add a '@context' property whose value is "
                "a valid DTDL context specifier, such as 'dtmi:dtdl:context;2'.",
            )
        return outer
    entries = value if isinstance(value, list) else [value]
    if not entries:
        if outer is None:
            raise ContextError("emptyContext", "@context specifier is an empty array. Add a DTDL context specifier.")
        return outer
    for entry in entries:
        if not isinstance(entry, str | dict):
            raise ContextError("invalidContext", "@context value is not a JSON string. Give a DTDL context specifier.")
    return _read(outer, entries)


def _read(outer: Context | None, entries: list[Any]) -> Context:
    version = outer.dtdl_version if outer is not None else None
    position = 0
    while position < len(entries) and isinstance(entries[position], str) and entries[position] in IMPLICIT_VERSIONS:
        version = IMPLICIT_VERSIONS[entries[position]] if version is None else version
        position += 1
    before = entries[:position]
    while position < len(entries) and isinstance(entries[position], str) and entries[position].startswith(_DTDL):
        version = _dtdl_version(entries[position])
        position += 1
    if version is None:
        raise ContextError(
            "missingDtdlContext",
            "@context does not begin with a DTDL context specifier. Put one first, such as 'dtmi:dtdl:context;2'.",
        )
    extensions = {entry.partition(";")[0]: entry for entry in outer.extensions} if outer is not None else {}
    complete = outer is None or outer.complete
    for entry in [*before, *entries[position:]]:
        if isinstance(entry, dict):
            raise ContextError(
                "disallowedLocalContext",
                f"@context has local context definitions, which DTDL version {version} does not allow. Remove them.",
            )
        if _is_known_extension(entry, version):
            extensions[entry.partition(";")[0]] = entry
        else:
            complete = False
    return Context(version, tuple(extensions.values()), complete)


def _dtdl_version(specifier: str) -> int:
    match = _VERSION.fullmatch(specifier.removeprefix(_DTDL))
    if match is None:
        raise ContextError(
            "invalidContextSpecifier",
            f"@context specifier '{shown(specifier)}' is not valid. "
            "Give 'dtmi:dtdl:context;2' or 'dtmi:dtdl:context;3'.",
        )
    version = int(match[1])
    if version == _UNSUPPORTED:
        raise ContextError(
            UNSUPPORTED_VERSION,
            f"@context specifier has value '{shown(specifier)}', which specifies a DTDL version that exceeds the "
            f"configured max version of {_NEWEST_TAKEN}. Modify @context specifier to indicate a DTDL major version no "
            f"greater than {_NEWEST_TAKEN}.",
        )
    if version not in TERMS or match[0] != match[1]:
        raise ContextError(
            "unrecognizedContextVersion",
            f"@context specifier '{shown(specifier)}' has an unrecognized DTDL version. Use version 2 or 3.",
        )
    return version


def _is_known_extension(specifier: str, version: int) -> bool:
    if specifier.startswith(_DTDL):
        raise ContextError(
            "dtdlContextFollowsAffiliate",
            f"@context lists '{shown(specifier)}' after an extension. Put all DTDL context specifiers first.",
        )
    if not specifier.startswith("dtmi:"):
        raise ContextError(
            "nonDtmiContextSpecifier", f"@context specifier '{shown(specifier)}' is not a DTMI. Remove it."
        )
    name, semicolon, number = specifier.partition(";")
    if not semicolon or not is_dtmi(specifier, version):
        raise ContextError(
            "invalidContextSpecifier", f"@context specifier '{shown(specifier)}' is not a valid DTMI. Fix it."
        )
    known = number in KNOWN_EXTENSIONS.get(name, ())
    if known and name.startswith("dtmi:dtdl:limits:"):
        raise ContextError(
            "misplacedLimitContext", f"@context specifier '{shown(specifier)}' does not belong there. Remove it."
        )
    if not known and version > 2:  # noqa: PLR2004  (DTDL 2 allows extensions that the parser does not know)
        raise ContextError(
            "unresolvableContextSpecifier",
            f"@context specifier '{shown(specifier)}' names no known extension. Remove it.",
        )
    return known
