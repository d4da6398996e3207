"""Names callers: a principal, from wherever its credentials come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Source: TypeAlias = Literal["jwt", "mtls", "anonymous"]
"""How a principal became known: by a token, by a certificate, or not at all."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as its credentials name it; equal to another of the same name that became known the same way.

    Attributes:
        name: stable from call to call, for limits and logs: the subject of a token, or the name in a certificate.
        source: how it became known.
        roles: those that its credentials give it.
        groups: those that its credentials say it is in.
        claims: all that a token says of it, for policies; empty for a certificate.
    """

    name: str
    source: Source
    roles: frozenset[str] = field(default=frozenset(), compare=False)
    groups: frozenset[str] = field(default=frozenset(), compare=False)
    claims: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


ANONYMOUS: Final = Principal("anonymous", "anonymous")
"""Whoever calls a server that asks nobody who he is, or what such a server serves to all."""
