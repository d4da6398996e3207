"""JSON Pointers (RFC 6901), the paths of a JSON Patch: `/labels/a~1b` leads to the member `a/b` of `labels`."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

_INDEX: Final = re.compile("0|[1-9][0-9]{0,8}")
"""The index of an element, of so many digits at the most: Python refuses to make numbers of very long ones."""


def pointer_to(tokens: Iterable[str]) -> str:
    """Writes the pointer that leads through members of these names."""
    return "".join(f"/{escaped(token)}" for token in tokens)


def tokens_of(pointer: str) -> list[str]:
    """Gives the names that a pointer leads through; the service takes one without the leading slash too."""
    return [unescaped(segment) for segment in pointer.removeprefix("/").split("/")]


def escaped(token: str) -> str:
    """Writes a name as a segment of a pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def unescaped(segment: str) -> str:
    """Reads the name that a segment of a pointer stands for."""
    # In this order: ~01 stands for ~1, and not for a slash.
    return segment.replace("~1", "/").replace("~0", "~")


def value_at(document: Any, tokens: Sequence[str]) -> Any:
    """Gives what a way through a document leads to; None if it leads nowhere."""
    for token in tokens:
        if isinstance(document, list):
            is_index = _INDEX.fullmatch(token) is not None and int(token) < len(document)
            document = document[int(token)] if is_index else None
        else:
            document = document.get(token) if isinstance(document, dict) else None
    return document
