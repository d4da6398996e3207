"""Says what a principal may do: a grant, compiled once and looked up by each of its calls."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, TypeVar

from twinfront_server.access.permissions import ROLES, Permission
from twinfront_server.access.principal import Principal
from twinfront_server.access.rules import RULES
from twinfront_server.access.scope import EVERYWHERE, WHOLE, Limit, Scope

Grant: TypeAlias = Mapping[str, Scope]
"""The RPCs that somebody may call, by full name, and where in the graph. Where a rule wants the whole graph a narrower
scope is no permission, but it is there, so that the refusal can say so."""

Key = TypeVar("Key")

MAX_GRANTS: Final = 10_000
"""How many grants are kept; beyond that the oldest go."""

_ROLE_NAMES: Final = frozenset(ROLES)


@dataclass(frozen=True, slots=True)
class Part:
    """Permissions, and where they hold."""

    permissions: frozenset[Permission]
    limit: Limit = EVERYWHERE


def compile_grant(parts: Iterable[Part]) -> Grant:
    """Makes the grant of all of these parts."""
    limits: defaultdict[Permission, list[Limit]] = defaultdict(list)
    for part in parts:
        for permission in part.permissions:
            limits[permission].append(part.limit)
    scopes = {permission: Scope.of(given) for permission, given in limits.items()}
    return {
        method: WHOLE if rule.permission is None else scopes[rule.permission]
        for method, rule in RULES.items()
        if rule.permission is None or rule.permission in scopes
    }


EVERYTHING: Final[Grant] = dict.fromkeys(RULES, WHOLE)
"""The grant of everybody where nobody is asked who he is."""


class Policy(Protocol):
    """Knows what principals may do."""

    def grant(self, principal: Principal) -> Grant:
        """Gives what a principal may do; nothing for whom the policy does not know."""


class RolesByClaim:
    """Goes by the roles that a principal's credentials give it: the policy where no file says otherwise."""

    def __init__(self) -> None:
        self._grants: dict[frozenset[str], Grant] = {}

    def grant(self, principal: Principal) -> Grant:
        """Gives what the principal's roles permit; a role that there is not permits nothing."""
        roles = principal.roles & _ROLE_NAMES
        known = self._grants.get(roles)
        if known is None:
            known = remember(self._grants, roles, compile_grant(Part(ROLES[role]) for role in roles))
        return known


def remember(grants: dict[Key, Grant], key: Key, grant: Grant) -> Grant:
    """Keeps a grant, and returns it."""
    while len(grants) >= MAX_GRANTS:
        del grants[next(iter(grants))]
    grants[key] = grant
    return grant
