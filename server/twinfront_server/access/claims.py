"""Reads the claims of a token."""

from collections.abc import Mapping
from typing import Any


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Finds a claim by its name, or by the names that lead to it with dots between."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def texts(value: Any) -> frozenset[str]:
    """Gives the texts of a list, or those in one text with spaces between, which is how scopes are written."""
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
