"""Paths and queries of requests as they may stand in a log."""

import re
from typing import Final
from urllib.parse import quote, unquote

PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_LONGEST_TARGET: Final = 2_000
_SECRET: Final = ("sig", "sas", "token", "secret", "password", "pwd", "key", "code", "auth", "credential")
"""Parts of the names of parameters by which somebody could act as the caller: signatures of blobs, tokens, keys."""
_EQUALS: Final = re.compile("=|%3d", re.IGNORECASE)


def shown_target(target: str) -> str:
    """Gives path and query as they may be shown: without secrets, without control characters, not too long."""
    path, mark, query = cut(target, _LONGEST_TARGET).partition("?")
    shown = f"{_without_secrets(path, '/')}{mark}{_without_secrets(query, '&')}"
    return quote(shown, safe=PRINTABLE, errors="surrogateescape")


def _without_secrets(text: str, separator: str) -> str:
    """Gives each part that has a secret up to its equals sign, which may be percent-encoded as the name may."""
    return separator.join(
        f"{_EQUALS.split(part, maxsplit=1)[0]}=..." if _has_secret(part) else part for part in text.split(separator)
    )


def _has_secret(part: str) -> bool:
    *names, _ = unquote(part).lower().split("=")
    return any(word in name for name in names for word in _SECRET)


def cut(text: str, length: int) -> str:
    """Gives a text, or its beginning if it is longer."""
    return text if len(text) <= length else f"{text[:length]}..."
