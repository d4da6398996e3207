"""Compiles a policy file to what is looked up by each call."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from twinfront_server.access.claims import claim, texts
from twinfront_server.access.grants import Grant, Part, compile_grant, remember
from twinfront_server.access.permissions import ROLES
from twinfront_server.access.policy_document import Bounds, Holders, PolicyDocument, PolicyError
from twinfront_server.access.principal import Principal
from twinfront_server.access.scope import EVERYWHERE, Limit

_Wanted: TypeAlias = tuple[tuple[int, frozenset[str]], ...]
"""Claims by their place among those that the policy looks at, each with the values of which one is wanted."""


class FilePolicy:
    """Goes by the bindings of a policy file.

    Attributes:
        models: the models that it names, with the field that each is in.

    Args:
        document: the file.
        kinds: how callers are known; what the policy says of callers who are known in no such way is a fault of it.

    Raises:
        PolicyError: a role is not known, or a binding can fit nobody.
    """

    def __init__(self, document: PolicyDocument, kinds: Collection[str]) -> None:
        roles = dict(ROLES)
        for name, role in document.roles.items():
            if name in ROLES:
                raise PolicyError(f"roles.{name}: is a role already; give it another name")
            roles[name] = frozenset(role.permissions)
        self.models: dict[str, str] = {}
        self._of_principals: defaultdict[str, list[Part]] = defaultdict(list)
        self._of_groups: defaultdict[str, list[Part]] = defaultdict(list)
        self._of_claims: list[tuple[_Wanted, Part]] = []
        self._sought: defaultdict[str, set[str]] = defaultdict(set)
        self._grants: dict[Any, Grant] = {}
        for index, binding in enumerate(document.bindings):
            field = f"bindings[{index}]"
            if binding.role not in roles:
                raise PolicyError(f"{field}.role: {binding.role!r} is no role; there are {', '.join(roles)}")
            _require_known(binding.to, f"{field}.to", kinds)
            for place, model in enumerate((binding.within and binding.within.models) or ()):
                self.models.setdefault(model, f"{field}.within.models[{place}]")
            self._bind(binding.to, Part(roles[binding.role], _limit(binding.within)))
        self._groups = frozenset(self._of_groups)

    def grant(self, principal: Principal) -> Grant:
        """Gives what the bindings permit a principal, by that of it which they look at and nothing else."""
        named = f"{principal.source}:{principal.name}"
        if named not in self._of_principals:
            named = ""
        groups, claims = principal.groups & self._groups, principal.claims
        said = tuple([_values(claims, name) & sought for name, sought in self._sought.items()]) if claims else ()
        key = (named, groups, said)
        known = self._grants.get(key)
        return known if known is not None else remember(self._grants, key, compile_grant(self._parts(*key)))

    def _bind(self, to: Holders, part: Part) -> None:
        for name in to.principals or ():
            self._of_principals[name].append(part)
        for group in to.groups or ():
            self._of_groups[group].append(part)
        if to.claims is not None:
            for name, values in to.claims.items():
                self._sought[name].update(values)
            places = list(self._sought)
            wanted = [(places.index(name), frozenset(values)) for name, values in to.claims.items()]
            self._of_claims.append((tuple(wanted), part))

    def _parts(self, named: str, groups: frozenset[str], said: tuple[frozenset[str], ...]) -> Iterable[Part]:
        yield from self._of_principals.get(named, ())
        for group in groups:
            yield from self._of_groups[group]
        if said:
            for wanted, part in self._of_claims:
                if all(said[place] & values for place, values in wanted):
                    yield part


def _limit(bounds: Bounds | None) -> Limit:
    return EVERYWHERE if bounds is None else Limit(tuple(bounds.ids or ()), frozenset(bounds.models or ()))


def _require_known(to: Holders, field: str, kinds: Collection[str]) -> None:
    for index, name in enumerate(to.principals or ()):
        kind = name.partition(":")[0]
        if kind not in kinds:
            raise PolicyError(f"{field}.principals[{index}]: {name!r} can be nobody without --auth {kind}")
    for part, given in (("groups", to.groups), ("claims", to.claims)):
        if given and "jwt" not in kinds:
            raise PolicyError(f"{field}.{part}: {next(iter(given))!r} is known of nobody without --auth jwt")


def _values(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Gives what a token says by a claim: each of a list, and of a text the whole and its words."""
    value = claim(claims, name)
    return texts(value) | {value} if isinstance(value, str) else texts(value)
