"""Policies and principals to ask them about."""

from typing import Any

from twinfront_server.access.file_policy import FilePolicy
from twinfront_server.access.policy_document import parse_policy
from twinfront_server.access.policy_text import parse_yaml
from twinfront_server.access.principal import Principal, Source
from twinfront_server.access.scope import WHOLE, Scope

BOTH_KINDS = ("jwt", "mtls")
NOTHING = {"twinfront.v1.PermissionService/CheckPermissions": WHOLE}
"""The grant of whom no binding fits: to ask what it permits."""

READ = "twinfront.v1.DigitalTwinService/GetDigitalTwin"
WRITE = "twinfront.v1.DigitalTwinService/UpdateDigitalTwin"


def policy(text: str, kinds: tuple[str, ...] = BOTH_KINDS) -> FilePolicy:
    return FilePolicy(parse_policy(parse_yaml(text)), kinds)


def principal(name: str, source: Source = "jwt", groups: tuple[str, ...] = (), **claims: Any) -> Principal:
    return Principal(name, source, frozenset(), frozenset(groups), claims)


def scope(of: FilePolicy, who: Principal, method: str = READ) -> Scope | None:
    return of.grant(who).get(method)
